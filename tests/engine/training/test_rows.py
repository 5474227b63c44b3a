"""A dataset's rows as training takes them: what is cut or left out is listed."""

from __future__ import annotations

import pytest

from engine.data.rendering import IGNORED, Renderer
from engine.jobs.train import said
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from engine.training.rows import render_rows
from store.errors import UsageError
from store.records.data import Example, Message
from tests.bases import EXAMPLES

TINY = builtin_directory("tiny")


@pytest.fixture
def chat() -> Renderer:
    return Renderer(ModelDirectory(TINY), "", "")


def example(prompt: str, answer: str, line: int = 1) -> Example:
    return Example("r", line, [Message("user", prompt), Message("assistant", answer)])


def test_rows_over_the_limit_are_cut_at_the_end_and_listed_by_line(chat: Renderer) -> None:
    examples = [example("short", "yes", 3), example("short", "no " * 60, 7)]
    rows, report = render_rows(chat, examples, 40)
    assert [len(row.input_ids) <= 40 for row in rows] == [True, True]
    assert (report.truncated, report.untrained, report.rows) == ([7], [], 2)


def test_rows_whose_answer_is_cut_off_whole_are_left_out_and_listed(chat: Renderer) -> None:
    rows, report = render_rows(chat, [example("yes " * 60, "no", 4), example("a", "b", 5)], 40)
    assert [row.line for row in rows] == [5]
    assert (report.untrained, report.truncated) == ([4], [4])


def test_a_dataset_without_a_trained_token_is_refused(chat: Renderer) -> None:
    with pytest.raises(UsageError, match="No row has a token to train on"):
        render_rows(chat, [example("yes " * 60, "no")], 16)


def test_the_report_counts_trained_tokens(chat: Renderer) -> None:
    rows, report = render_rows(chat, EXAMPLES, 128)
    assert report.trained_tokens == sum(label != IGNORED for row in rows for label in row.labels)
    assert report.total_tokens == sum(len(row.input_ids) for row in rows)


def test_the_report_says_why_rows_are_left_out_and_what_is_trained_in_part(chat: Renderer) -> None:
    spelling = example("a", "Say <|im_end|> now.", 3)
    open_ended = Example("r", 5, [Message("user", "a"), Message("assistant", "b"), Message("user", "c")])
    _, report = render_rows(chat, [spelling, open_ended, example("a", "b", 6)], 100)
    (problem, lines), (note, noted) = *report.problems.items(), *report.notes.items()
    assert ("spells the stop token" in problem, lines) == (True, [3])
    assert ("left out" in note, noted) == (True, [5])
    assert report.untrained == [3]


def test_many_reasons_are_told_as_the_most_frequent_and_how_many_more() -> None:
    reasons = {f"Reason {number}.": list(range(number)) for number in range(1, 5)}
    assert said(reasons, most=2) == (
        "Reason 4. Lines 0, 1, 2, 3.\nReason 3. Lines 0, 1, 2.\nAnd 2 more reasons."
    )
    assert said({"Reason.": [7]}) == "Reason. Lines 7."
