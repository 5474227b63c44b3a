"""A dataset's rows as training takes them: what is cut or left out is listed."""

from __future__ import annotations

import pytest

from engine.data.rendering import IGNORED, Renderer
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
