"""Empty rows, and answers that end too early."""

# ruff: noqa: RUF001  # letters of many scripts are what is tested

from __future__ import annotations

import pytest

from engine.data.checks.empty import cut_off, scans, unfinished
from store.records.data import Example, Message, ToolCall
from store.records.findings import CheckSettings
from tests.engine.data.checks.stage import chat, lines, scanned, turns

SCAN = scans(CheckSettings())
WHOLE = [chat(f"How do I do {n}?", f"Open the menu, then press button {n}.") for n in range(30)]


def test_an_answer_of_white_space_is_empty() -> None:
    found = scanned(SCAN, [chat("hello", "hi."), chat("hello", " \n\t")])
    assert lines(found["empty"]) == [2]


def test_an_answer_that_only_calls_a_function_is_not_empty() -> None:
    call = Message("assistant", "", [ToolCall("f", "{}")])
    assert scanned(SCAN, [turns(Message("user", "go"), call)]) == {}


def test_an_empty_answer_without_loss_is_context_and_no_finding() -> None:
    row = turns(Message("user", "go"), Message("assistant", "", weight=0), Message("assistant", "done."))
    assert "empty" not in scanned(SCAN, [row])


def test_an_empty_rejected_ending_is_found() -> None:
    row = chat("go", "done.", rejected=[Message("assistant", "")], prompt_turns=1)
    assert lines(scanned(SCAN, [row])["empty"]) == [1]


def test_a_row_that_asks_nothing_is_found() -> None:
    assert lines(scanned(SCAN, [chat("  ", "hello.")])["empty/question"]) == [1]


def test_a_text_row_without_text_is_empty() -> None:
    assert lines(scanned(SCAN, [Example("", 0, [], text=" \n")])["empty"]) == [1]


def test_an_open_code_block_is_cut_off() -> None:
    assert cut_off("Like this:\n```python\nprint(1)\n")
    assert not cut_off("Like this:\n```python\nprint(1)\n```\nThat is all.")
    assert not cut_off("````\n```\nnested\n```\n````")


@pytest.mark.parametrize("text", ['{"a": 1', '{"a": [1, 2', '[{"a": "unfinis', '{"a": "b"'])
def test_json_that_ends_too_early_is_cut_off(text: str) -> None:
    assert cut_off(text)


@pytest.mark.parametrize("text", ['{"a": 1}', "{name}, welcome back", "[1] says so", '{"a": 1}}', "{'a': 1}"])
def test_whole_json_prose_and_other_mistakes_are_not_cut_off(text: str) -> None:
    assert not cut_off(text)


def test_an_answer_that_breaks_off_in_mid_sentence_among_whole_ones_is_found() -> None:
    found = scanned(SCAN, [*WHOLE, chat("How?", "Open the menu, then press the")])
    assert lines(found["empty/unfinished"]) == [31]


def test_answers_without_full_stops_are_not_odd_where_most_have_none() -> None:
    assert scanned(SCAN, [chat(f"which {n}", f"lost card number {n} of mine") for n in range(40)]) == {}


def test_too_few_answers_say_nothing_about_one() -> None:
    assert scanned(SCAN, [*WHOLE[:5], chat("How?", "Open the menu, then press the")]) == {}


@pytest.mark.parametrize(
    "text",
    [
        "See https://example.org/help",
        "Here is the list:\n- apples\n- pears",
        "That is done.\n\nBest regards,\nAnna",
        "She said (and meant it)",
        "The total is 42",
        "Use `pip install`",
        "lost_phone",
    ],
)
def test_endings_that_people_write_on_purpose_are_finished(text: str) -> None:
    assert not unfinished(text)


@pytest.mark.parametrize(
    "text",
    [
        "Open the menu and",
        "First do this,",
        "Öffne das Menü und dann",
        "打开菜单，然后按下按钮，接着在设置里选择语言，",
    ],
)
def test_letters_and_commas_at_the_end_are_unfinished(text: str) -> None:
    assert unfinished(text)
