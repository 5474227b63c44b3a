"""Sweeps: which runs a file means, when one is hopeless, what all of them say."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.training.sweep import (
    changes_of,
    conclude,
    effects,
    find_sweep,
    hopeless,
    load_sweep,
    problems_of,
    recipes_of,
    shipped,
)
from store.errors import MissingError, UsageError
from store.records.recipe import Recipe
from store.records.sweep import Point, Sweep

RECIPE = Recipe(base="tiny", dataset="chats")
GRID = Sweep(grid={"learning_rate": [1e-4, 1e-3], "lora.rank": [4, 8]})
CURVE = Sweep(rows=[1.0, 0.25, 0.5])


def points(
    *scores: float | None, key: str = "rows_share", values: tuple[float, ...] = (0.25, 0.5, 1.0)
) -> list[Point]:
    return [
        Point({key: value}, f"run-{value}", "finished", score=score)
        for value, score in zip(values, scores, strict=False)
    ]


def test_a_grid_is_every_value_with_every_other() -> None:
    assert len(changes_of(GRID)) == 4
    assert changes_of(GRID)[1] == {"learning_rate": 1e-4, "lora.rank": 8}


def test_paired_values_go_together_and_with_the_grid() -> None:
    sweep = Sweep(paired={"lora.rank": [4, 8], "lora.alpha": [8, 16]}, grid={"seed": [0, 1]})
    found = changes_of(sweep)
    assert len(found) == 4
    assert all(one["lora.alpha"] == 2 * one["lora.rank"] for one in found)


def test_every_run_gets_its_own_recipe_with_the_rest_as_it_was() -> None:
    found = recipes_of(RECIPE, GRID)
    assert [(one.learning_rate, one.lora.rank) for one in found] == [
        (1e-4, 4),
        (1e-4, 8),
        (1e-3, 4),
        (1e-3, 8),
    ]
    assert {one.lora.alpha for one in found} == {RECIPE.lora.alpha}


def test_a_shares_run_trains_on_that_share() -> None:
    assert [one.rows_share for one in recipes_of(RECIPE, CURVE)] == [0.25, 0.5, 1.0]


def test_what_no_recipe_allows_is_told_before_any_run_starts() -> None:
    with pytest.raises(UsageError) as refused:
        recipes_of(RECIPE, Sweep(grid={"lora.rnk": [4], "learning_rate": [-1.0, 1e-3]}))
    assert "did you mean 'rank'?" in refused.value.happened
    assert "learning_rate" in refused.value.happened
    assert len(refused.value.happened.splitlines()) == 2


@pytest.mark.parametrize(
    "sweep",
    [
        Sweep(),
        Sweep(rows=[0.5], grid={"seed": [1]}),
        Sweep(paired={"seed": [1, 2], "lora.rank": [4]}),
        Sweep(grid={"seed": [1]}, paired={"seed": [1]}),
        Sweep(grid={"seed": list(range(201))}),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused(sweep: Sweep) -> None:
    assert len(problems_of(sweep)) == 1


def test_every_shipped_sweep_asks_for_runs_that_a_recipe_allows() -> None:
    assert shipped() == ["learning-curve", "method-or-configuration"]
    for name in shipped():
        sweep = load_sweep(find_sweep(Path("nowhere"), name, Path("nowhere")))
        assert sweep.question
        assert len(recipes_of(RECIPE, sweep)) >= 3


def test_a_sweep_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(MissingError) as missing:
        find_sweep(tmp_path, "learning-curv", tmp_path)
    assert "Did you mean 'learning-curve'?" in missing.value.happened


def test_a_run_is_hopeless_when_its_mean_is_above_the_median_of_the_others() -> None:
    others = [[3.0, 2.0, 1.0], [3.0, 2.0, 1.5], [3.0, 2.0, 2.0]]
    assert hopeless([3.0, 3.0, 3.0], others, patience=2)
    assert not hopeless([3.0, 1.0, 1.0], others, patience=2)


def test_no_run_is_hopeless_before_its_time_or_without_two_to_compare_with() -> None:
    others = [[1.0, 1.0], [1.0, 1.0]]
    assert not hopeless([], others, patience=0)
    assert not hopeless([9.0], others, patience=2)
    assert not hopeless([9.0, 9.0], others[:1], patience=0)
    assert not hopeless([9.0, 9.0, 9.0], others, patience=0)


def test_the_lowest_score_of_a_finished_run_wins() -> None:
    found = points(2.0, 1.0, 0.5, key="seed")
    found[2].state = "cancelled"
    result = conclude(Sweep(grid={"seed": [0.25, 0.5, 1.0]}), found, "training loss")
    assert result.winner == "run-0.5"


def test_the_key_that_moves_the_loss_most_comes_first() -> None:
    made = [
        Point({"learning_rate": rate, "lora.rank": rank}, state="finished", score=rate * 100 + rank / 100)
        for rate in (0.01, 0.05)
        for rank in (4, 8)
    ]
    found = effects(made)
    assert [one.key for one in found] == ["learning_rate", "lora.rank"]
    assert found[0].spread == pytest.approx(4.0)
    assert found[1].means == {"4": pytest.approx(3.04), "8": pytest.approx(3.08)}


@pytest.mark.parametrize(
    ("scores", "enough"),
    [
        ((2.0, 1.5, 1.2), "more would help"),
        ((2.0, 1.5, 1.5), "more would not help"),
        ((1.0, 1.1, 1.2), "more would not help"),
        ((1.0,), "cannot tell"),
    ],
)
def test_the_learning_curve_says_whether_more_rows_would_help(scores: tuple[float, ...], enough: str) -> None:
    assert conclude(CURVE, points(*scores), "held-out loss").enough == enough


def test_training_loss_says_nothing_of_more_rows() -> None:
    assert conclude(CURVE, points(3.0, 2.0, 1.0), "training loss").enough == "cannot tell"


def test_a_gain_that_halves_is_expected_to_halve_again() -> None:
    said = conclude(CURVE, points(2.0, 1.6, 1.44), "held-out loss").verdict
    assert "5.0% more" in said
