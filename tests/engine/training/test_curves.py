"""Loss curves from events, and whether two of them are one run."""

from __future__ import annotations

import pytest

from engine.training.curves import agreement, curve_of, differences, final_loss
from store.records.comparison import Curve
from store.records.events import Evaluated, Event, Resumed, Step
from store.records.recipe import Lora, Recipe


def steps(*losses: float, first: int = 1) -> list[Event]:
    return [Step(step=first + at, loss=loss, total=9) for at, loss in enumerate(losses)]


def curve(*losses: float) -> Curve:
    return curve_of(steps(*losses))


def test_a_curve_is_every_step_and_every_held_out_loss() -> None:
    found = curve_of([*steps(3.0, 2.0), Evaluated(step=2, loss=2.5), *steps(1.0, first=3)])
    assert (found.steps, found.losses, found.heldout) == ([1, 2, 3], [3.0, 2.0, 1.0], [(2, 2.5)])
    assert (found.total, found.best_heldout) == (9, 2.5)


def test_what_a_resumed_run_does_again_is_counted_once() -> None:
    found = curve_of(
        [*steps(3.0, 2.0, 9.0), Evaluated(step=3, loss=9.0), Resumed(step=2), *steps(1.0, first=3)]
    )
    assert (found.losses, found.heldout) == ([3.0, 2.0, 1.0], [])


def test_the_final_loss_is_the_mean_of_the_last_quarter() -> None:
    assert final_loss([9, 9, 9, 9, 9, 9, 2, 4]) == 3
    assert final_loss([5.0]) == 5.0
    assert final_loss([]) is None


@pytest.mark.parametrize(
    ("other", "verdict"),
    [
        (curve(3.0, 2.0), "same"),
        (curve(3.0, 2.001), "close"),
        (curve(3.0, 2.5), "different"),
        (curve(3.0), "close"),
        (Curve(), "different"),
    ],
)
def test_two_curves_are_the_same_close_or_different(other: Curve, verdict: str) -> None:
    assert agreement(curve(3.0, 2.0), other).verdict == verdict


def test_the_largest_difference_is_named_with_its_step() -> None:
    found = agreement(curve(3.0, 2.0, 1.0), curve(3.0, 2.25, 1.125))
    assert (found.steps, found.largest, found.at_step) == (3, 0.25, 2)


def test_only_what_recipes_do_not_share_is_a_difference() -> None:
    found = differences([Recipe(seed=1, lora=Lora(rank=4)), Recipe(seed=1, lora=Lora(rank=8))])
    assert found == {"lora.rank": [4, 8]}
