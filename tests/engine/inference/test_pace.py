"""Groups of a step: the cheapest ones that give the scores of one at a time, whatever a processor's curve."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.inference.pace import AGAIN_STEPS, SAME, Pace

TILED = {1: 7.4, 2: 30.0, 3: 37.0, 4: 44.0, 5: 60.0, 6: 66.0, 7: 69.0, 8: 51.0, 12: 61.0, 16: 64.0}
"""Milliseconds of groups as one processor has them for Q8_0: few at once are slower than one by one."""


def tiled(size: int) -> float:
    """Of a size, by the curve above; between its points by the next larger."""
    return next(TILED[one] for one in sorted(TILED) if one >= size)


def learned(curve: Callable[[int], float], counts: list[int], *, differs: int = 1000) -> Pace:
    """A pace that saw steps of these many answers; groups from `differs` on give other scores."""
    pace = Pace()
    for count in counts:
        for _ in range(40):
            step(pace, curve, count, differs)
    return pace


def step(pace: Pace, curve: Callable[[int], float], count: int, differs: int = 1000) -> float:
    """What a step of `count` answers takes, as the scheduler computes it."""
    spent = 0.0
    if size := pace.untried(count):
        pace.took(size, curve(size))
        for _ in range(count):
            pace.took(1, curve(1))
        pace.compare(size, 1.0 if size >= differs else 0.0)
        return curve(size) + count * curve(1)
    for size in pace.groups(count):
        pace.took(size, curve(size))
        spent += curve(size)
    return spent


@pytest.mark.parametrize("count", range(1, 17))
def test_a_step_is_never_slower_than_one_at_a_time_once_groups_are_known(count: int) -> None:
    pace = learned(tiled, [16, 12, 9, 7, 5, 3, count])
    assert step(pace, tiled, count) <= count * tiled(1) + 1e-9


def test_a_few_go_one_by_one_and_many_at_once_where_a_processor_is_like_that() -> None:
    pace = learned(tiled, [16, 7, 3])
    assert pace.groups(3) == [1, 1, 1]
    assert pace.groups(16) == [16]


def test_all_go_at_once_where_reading_the_weights_is_the_cost() -> None:
    pace = learned(lambda size: 20 + size, [2, 3, 4, 9, 16])
    assert [pace.groups(count) for count in (2, 3, 9, 16)] == [[2], [3], [9], [16]]


def test_groups_with_other_scores_are_never_formed_again() -> None:
    pace = learned(lambda size: 20 + size, [16, 15, 7, 5], differs=4)
    assert pace.groups(16) == [2] * 8
    for _ in range(2 * AGAIN_STEPS):
        assert max(pace.groups(16)) < 4
        assert pace.untried(16) < 4


def test_scores_within_half_a_near_tie_are_the_same() -> None:
    pace = Pace()
    for size, apart in ((2, SAME / 2), (4, SAME * 2)):
        pace.took(1, 1.0)
        pace.took(size, 1.1)
        pace.compare(size, apart)
    assert pace.groups(4) == [2, 2]


def test_groups_are_tried_again_when_the_machine_has_changed() -> None:
    pace = learned(tiled, [8])
    for _ in range(AGAIN_STEPS):
        step(pace, lambda size: 5.0 + size, 4)
    assert pace.groups(4) == [4]


def test_one_slow_step_does_not_change_the_groups() -> None:
    pace = learned(tiled, [16])
    pace.took(16, 900.0)
    for _ in range(100):
        assert step(pace, tiled, 16) == tiled(16)


def test_the_groups_of_any_number_are_that_number_together() -> None:
    pace = learned(tiled, [16])
    assert [sum(pace.groups(count)) for count in range(1, 40)] == list(range(1, 40))
