"""Rows that the written task leaves out, by words and by meaning; and the file that says so."""

from __future__ import annotations

import numpy as np
import pytest

from engine.data.checks.contract import CannotRun
from engine.data.checks.off_task import check
from engine.data.checks.task_file import read_task
from store.errors import UsageError
from store.records.findings import CheckSettings
from tests.engine.data.checks.stage import basis_of, chat, lines

TASK = """# Support of the wallet

Written by the support team.

## In scope
- recovering a wallet after a lost phone
- transfer fees,
  also for swaps

## Out of scope
* investment advice: which coin should I buy
1. tax returns

## History
- not part of it
"""
ROWS = [
    chat("I lost my phone, how do I recover my wallet?", "a"),
    chat("Which coin should I buy as an investment?", "b"),
    chat("What is the weather?", "c"),
]


def test_headings_say_what_is_in_and_what_is_out() -> None:
    task = read_task(TASK)
    assert task.inside == ["recovering a wallet after a lost phone", "transfer fees, also for swaps"]
    assert task.outside == ["investment advice: which coin should I buy", "tax returns"]


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("## What is in", "## What is out"),
        ("## The assistant answers", "## It does not answer"),
        ("**In:**", "**Out:**"),
        ("Included\n--------", "Excluded\n--------"),
        ("## Does", "## Doesn\u2019t"),
        ("### In-scope ###", "### Off-topic"),
    ],
)
def test_headings_may_be_worded_and_drawn_in_many_ways(inside: str, outside: str) -> None:
    task = read_task(f"{inside}\n\n- fees\n\n{outside}\n\n- taxes\n")
    assert (task.inside, task.outside) == (["fees"], ["taxes"])


def test_deeper_headings_belong_to_the_one_they_stand_under() -> None:
    task = read_task("## In\n### Payments\n- fees\n### Access\n- passwords\n## Out\n- taxes\n")
    assert task.inside == ["fees", "passwords"]


@pytest.mark.parametrize("text", ["", "Just prose.", "## Out\n- taxes", "<!-- ## In\n- fees -->"])
def test_a_file_that_does_not_say_what_is_in_is_refused_with_the_format(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_task(text)
    assert "## In" in refused.value.remedy


def test_by_words_a_row_must_share_more_with_what_is_out_than_with_anything_in() -> None:
    found = list(check(basis_of(ROWS, CheckSettings(task=TASK))))
    assert [lines(one) for one in found] == [[2]]
    assert "investment advice" in found[0].notes["r2"]


def test_by_meaning_the_nearest_item_decides() -> None:
    vectors = {"fees": (1.0, 0.0), "taxes": (0.0, 1.0), "near out": (0.2, 0.98), "near in": (0.98, 0.2)}
    vectors |= {"between": (0.7, 0.714)}
    basis = basis_of(
        [chat(name, "a") for name in ("near out", "near in", "between")],
        CheckSettings(task="## In\n- fees\n## Out\n- taxes"),
    )
    basis.embed = lambda texts: np.array([vectors[text] for text in texts], dtype=np.float32)
    assert [lines(one) for one in check(basis)] == [[1]]


@pytest.mark.parametrize("task", ["", "## In\n- fees"])
def test_without_anything_that_is_out_the_check_does_not_run(task: str) -> None:
    with pytest.raises(CannotRun):
        list(check(basis_of(ROWS, CheckSettings(task=task))))
