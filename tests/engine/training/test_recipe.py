"""Recipes: every problem at once with the nearest key or word, what contradicts itself, written and read."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.training.recipe import contradictions, load_recipe, write_recipe
from store.errors import UsageError
from store.records.recipe import Lora, Recipe

OWN = ['base="tiny"', 'dataset="chats"']


def refused(*overrides: str) -> str:
    with pytest.raises(UsageError) as error:
        load_recipe(None, [*OWN, *overrides])
    return error.value.happened


def test_every_problem_is_listed_at_once() -> None:
    said = refused(
        "max_stps=3", "lora.rank=0", "optimiser=adam", "betas=[0.9]", "recompute_layers=-1", "seed=-5"
    )
    assert len(said.splitlines()) == 6


@pytest.mark.parametrize(
    ("override", "nearest"),
    [
        ("max_stps=3", "did you mean 'max_steps'?"),
        ("optimiser=adamw8bit", "did you mean 'adamw_8bit'?"),
        ("schedule=cosin", "did you mean 'cosine'?"),
        ("recompute_layers=al", "did you mean 'all'?"),
    ],
)
def test_the_nearest_key_or_word_is_named(override: str, nearest: str) -> None:
    assert nearest in refused(override)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(warmup_steps=5, warmup_ratio=0.1),
        Recipe(warmup_steps=200, max_steps=200),
        Recipe(schedule="linear", final_rate=0.1),
        Recipe(schedule="cosine", cycles=2),
        Recipe(offload="activations", recompute_layers=0),
        Recipe(offload="activations", objective="orpo"),
    ],
)
def test_what_cannot_be_meant_is_a_problem(recipe: Recipe) -> None:
    assert len(contradictions(recipe)) == 1


def test_the_defaults_contradict_nothing() -> None:
    assert contradictions(Recipe()) == []


def test_a_recipe_is_written_whole_and_reads_back_as_it_was(tmp_path: Path) -> None:
    recipe = Recipe(
        base="tiny",
        dataset="chats",
        betas=(0.8, 0.9),
        recompute_layers=4,
        double_quantisation=False,
        lora=Lora(rank=3),
    )
    (tmp_path / "whole.toml").write_text(write_recipe(recipe), encoding="utf-8")
    assert load_recipe(tmp_path / "whole.toml") == recipe
