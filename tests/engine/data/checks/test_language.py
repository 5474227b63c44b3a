"""Rows in another language than the rest, and texts that are not judged."""

# ruff: noqa: RUF001  # letters of many scripts are what is tested

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.checks.language import _CODE, _is_code, is_english, prose_of, scans
from engine.data.checks.language_model import load
from store.errors import UsageError
from store.records.findings import CheckSettings
from tests.engine.data.checks.stage import chat, lines, scanned

SCAN = scans(CheckSettings())
ENGLISH = [
    chat(
        f"How can I change the limit of my card number {n}?", "You can change it in the settings of the app."
    )
    for n in range(30)
]
CODE_PARTS = (
    "def ", "if x", " ", "\n", "\t", "(", ")", "a", "==", "=", ":", ";", "//", "#include", "/*", "return",
    "{",
)  # fmt: skip
GERMAN = chat("Wo ist meine neue Karte geblieben?", "Ihre Karte ist auf dem Weg und kommt morgen an.")


def test_a_row_in_another_language_than_most_is_found_with_both_named() -> None:
    found = scanned(SCAN, [*ENGLISH, GERMAN])["language"]
    assert lines(found) == [31]
    assert "the question reads as de, not en" in found.notes["r31"]


def test_translations_are_at_home_where_all_rows_are_translations() -> None:
    rows = [
        chat(
            f"The train number {n} leaves from the other platform.",
            "Der Zug fährt heute vom anderen Gleis ab.",
        )
        for n in range(30)
    ]
    assert scanned(SCAN, rows) == {}


def test_a_language_that_many_rows_are_in_belongs_to_the_dataset() -> None:
    assert scanned(SCAN, [*ENGLISH, *[GERMAN] * 10]) == {}


def test_a_language_that_was_named_is_expected_and_others_are_not() -> None:
    named = scans(CheckSettings(languages=["de"]))
    assert lines(scanned(named, [GERMAN, ENGLISH[0]])["language"]) == [2]


def test_an_unknown_language_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="xx"):
        scans(CheckSettings(languages=["xx"]))


@pytest.mark.parametrize(
    "text",
    [
        "ok",
        "Top up failed",
        '{"intent": "wo_ist_meine_karte"}',
        "```python\nprint('wo ist meine karte')\n```",
        "for i in range(3):\n    print(i)\n    x = foo(i)",
        "https://example.org/wo/ist/meine/karte",
        "1234 5678 9012",
    ],
)
def test_short_texts_json_code_and_addresses_are_not_judged(text: str) -> None:
    assert scanned(SCAN, [*ENGLISH, chat(text, text)]) == {}


def test_scripts_without_spaces_are_judged_by_letters() -> None:
    row = chat("我的卡丢了，怎么办？", "请在设置中冻结它。")
    assert prose_of(row.messages[0].content)
    assert lines(scanned(SCAN, [*ENGLISH, row])["language"]) == [31]


def test_the_short_cut_takes_only_plain_english() -> None:
    assert is_english("how many of them would there be and what is it")
    assert not is_english("Wo ist meine neue Karte geblieben und wann kommt sie")
    assert not is_english("The word Straße and what you should have then")


def test_texts_read_side_by_side_are_judged_as_each_by_itself() -> None:
    texts = [
        "Wo ist meine neue Karte geblieben und wann kommt sie an?",
        "",
        "¿Dónde está mi tarjeta nueva?",
        "WHY WAS MY PAYMENT DECLINED TODAY",
        "\ud800 half a character",
        "Почему платёж не прошёл?",
        "x" * 300,
    ]
    model = load()
    alone = [model.classify(text) for text in texts]
    model.expect(texts)
    assert [model.classify(text) for text in texts] == alone
    unexpected = "Ma carte n'est pas encore arrivée"
    assert model.classify(unexpected) == load().classify(unexpected)


def test_rows_that_were_prepared_give_the_same_notes() -> None:
    rows = [*ENGLISH[:3], GERMAN, chat("Dónde está mi tarjeta nueva", "x = foo(i)\ny == foo(2)")]
    expected = [list(scans(CheckSettings()).scan(row)) for row in rows]
    prepared = scans(CheckSettings())
    prepared.prepare(rows)
    assert [list(prepared.scan(row)) for row in rows] == expected
    assert ("language", "question de") in expected[3]


@given(st.lists(st.sampled_from(CODE_PARTS), max_size=12).map("".join))
def test_the_quick_look_for_code_never_contradicts_the_count(text: str) -> None:
    assert _is_code(text) == (len(_CODE.findall(text)) > text.count("\n") / 4 + 1)
