"""A run's plan from its rows: epochs, endings of preferences, the machine that is given."""

from __future__ import annotations

import msgspec
import pytest

from engine.data.rendering import IGNORED, Row
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from engine.training.data import TrainingData
from engine.training.planning import plan_run, row_lengths, trained_tokens
from store.records.plan import Machine
from store.records.recipe import Recipe
from tests.engine.training.shapes import PROCESSOR, SMALL_CARD

RECIPE = Recipe(base="tiny", dataset="chats", batch_size=2, max_length=64, epochs=3, warmup_ratio=0.5)


def row(length: int, line: int = 1) -> Row:
    return Row([5] * length, [IGNORED] * (length // 2) + [5] * (length - length // 2), line)


CHATS = TrainingData([row(10), row(20), row(30), row(40)])
PAIRS = TrainingData([row(10), row(20)], rejected=[row(30), row(15)])


@pytest.fixture(scope="module")
def base() -> ModelDirectory:
    return ModelDirectory(builtin_directory("tiny"))


@pytest.mark.parametrize("machine", [PROCESSOR, SMALL_CARD])
def test_epochs_become_steps_on_every_device(base: ModelDirectory, machine: Machine) -> None:
    found = plan_run(base, RECIPE, CHATS, machine).recipe
    assert (found.max_steps, found.warmup_steps, found.epochs, found.warmup_ratio) == (6, 3, 0, 0)
    assert found.batch_size * found.gradient_accumulation == 2


def test_a_plan_that_was_made_is_not_changed_by_making_it_again(base: ModelDirectory) -> None:
    first = plan_run(base, RECIPE, CHATS, SMALL_CARD).recipe
    once = msgspec.structs.replace(first, micro_batch="as_written")
    assert plan_run(base, once, CHATS, PROCESSOR).recipe == once


def test_both_endings_of_a_preference_are_as_long_as_the_longer() -> None:
    assert row_lengths(PAIRS) == [60, 40]
    assert trained_tokens(PAIRS) == [5 + 15, 10 + 8]


def test_preferences_are_padded_whatever_the_recipe_says(base: ModelDirectory) -> None:
    asked = msgspec.structs.replace(RECIPE, objective="dpo")
    assert plan_run(base, asked, PAIRS, PROCESSOR).demand.tokens == 120


def test_the_machine_that_is_here_is_taken_where_none_is_given(base: ModelDirectory) -> None:
    assert plan_run(base, RECIPE, CHATS).machine.memory_bytes > 0
