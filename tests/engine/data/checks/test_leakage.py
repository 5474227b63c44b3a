"""Leaks: the same question, most of its words in a row, the same meaning; train rows are what goes."""

from __future__ import annotations

import pytest

from engine.data.checks.leakage import check
from tests.engine.data.checks.rows import basis, by_topic, found, rows_of

FILLER = [(" ".join(f"{letter}{at}" for letter in "abcdefghijklmnop"), "a") for at in range(40)]
LONG = "could you please explain to me why the parcel that i ordered last month has still not come to my flat"


def test_a_question_on_both_sides_blocks_and_the_train_rows_are_named() -> None:
    finding = found(check, basis([("Where is it", "a"), ("q", "b"), ("where is  it", "c")], heldout=[2]))[
        "leakage"
    ]
    assert (finding.severity, rows_of(finding)) == ("block", ["r0"])
    assert finding.groups[0].rows == ["r2", "r0"]
    assert finding.remedy == "temper data fix d --drop-leaks"


def test_nearly_a_whole_row_blocks() -> None:
    findings = found(check, basis([*FILLER, (LONG + " yet", "a"), (LONG, "a")], heldout=[*range(20), 41]))
    assert (findings["leakage/ngram"].severity, rows_of(findings["leakage/ngram"])) == ("block", ["r40"])
    assert findings["leakage/ngram"].figures["n"] == 13


def test_a_large_part_of_a_row_warns() -> None:
    whole = LONG + " and what you will do"
    findings = found(check, basis([*FILLER, (LONG, "a"), (whole, "a")], heldout=[*range(20), 41]))
    assert {name: finding.severity for name, finding in findings.items()} == {"leakage/ngram_part": "warn"}


def test_the_words_of_a_template_are_no_leak() -> None:
    template = "classify the following message of a customer into exactly one of these classes please: "
    rows = [(template + f"alpha{at} beta{at} gamma{at} delta{at}", "a") for at in range(60)]
    assert not found(check, basis(rows, heldout=range(30)))


def test_another_system_message_makes_another_question() -> None:
    assert not found(check, basis([("q", "a"), ("q", "a")], heldout=[1], contexts=["", "x"]))


def test_the_same_meaning_in_other_words_warns_where_there_is_an_embedder() -> None:
    rows = [("lost my card", "a"), ("pay", "b"), ("lost the plastic thing", "a")]
    findings = found(check, basis(rows, heldout=[2], embed=by_topic))
    assert (findings["leakage/embedding"].severity, rows_of(findings["leakage/embedding"])) == (
        "warn",
        ["r0"],
    )


@pytest.mark.parametrize("heldout", [(), (0, 1)])
def test_one_split_alone_has_no_leak(heldout: tuple[int, ...]) -> None:
    assert not found(check, basis([("q", "a"), ("q", "a")], heldout=heldout))
