"""What is made of a run's figures: errors, the better trade, what was forgotten, nicer but less accurate."""

from __future__ import annotations

import random
import statistics

import pytest

from engine.training.outcome import (
    FORGOTTEN,
    better_trade,
    change,
    outcome_of,
    ratio_error,
    rise_by_kind,
    score_of,
    weak_start,
)
from store.records.outcome import Outcome, Point, RowScore, Snapshot

GENERAL = ("builtin", ["arithmetic", "json"] * 5)
NOTHING: tuple[str, list[str]] = ("", [])


def rows(loss: float, hits: int = 5, count: int = 10, spread: float = 0.0) -> list[RowScore]:
    """Rows of ten tokens with about this loss per token."""
    return [RowScore(-10 * (loss + spread * (at % 2 - 0.5)), 10, hits) for at in range(count)]


def shot(step: int, task: list[RowScore], general: list[RowScore], rejected: float = 0.0) -> Snapshot:
    beside = rows(rejected, count=len(task)) if rejected else []
    return Snapshot(step, "same", task, beside, general)


def titles(found: Outcome) -> list[str]:
    return [remark.title for remark in found.remarks]


def test_the_error_of_rows_of_one_size_is_that_of_a_mean() -> None:
    drawn = random.Random(1)
    parts = [drawn.gauss(2, 1) for _ in range(200)]
    expected = statistics.stdev(parts) / len(parts) ** 0.5 / 10
    assert ratio_error(parts, [10] * 200) == pytest.approx(expected)


def test_the_error_of_rows_of_many_sizes_is_the_spread_of_what_is_drawn() -> None:
    drawn = random.Random(2)
    found, errors = [], []
    for _ in range(400):
        sizes = [drawn.randint(1, 40) for _ in range(60)]
        parts = [size * drawn.gauss(0.5, 0.2) for size in sizes]
        found.append(sum(parts) / sum(sizes))
        errors.append(ratio_error(parts, sizes) or 0.0)
    assert statistics.fmean(errors) == pytest.approx(statistics.stdev(found), rel=0.1)


def test_one_row_has_no_spread() -> None:
    assert ratio_error([1.0], [3]) is None


def test_pairs_are_preferred_by_the_log_probability_of_whole_answers() -> None:
    chosen = [RowScore(-4.0, 4, 2), RowScore(-9.0, 3, 0)]
    rejected = [RowScore(-5.0, 50, 0), RowScore(-8.0, 1, 1)]
    found = score_of(chosen, rejected)
    assert (found.preferred, found.tokens) == (0.5, 7)
    assert found.accuracy == pytest.approx(2 / 7)
    assert found.loss == pytest.approx(13 / 7)


def test_what_is_no_number_is_not_compared() -> None:
    assert change([], []) is None
    assert change(rows(1.0), [*rows(1.0)[:-1], RowScore(float("nan"), 10, 0)]) is None


def test_a_rise_is_told_for_each_kind() -> None:
    before = [RowScore(-10, 10, 5), RowScore(-10, 10, 5), RowScore(-30, 10, 5)]
    after = [RowScore(-20, 10, 5), RowScore(-20, 10, 5), RowScore(-20, 10, 5)]
    assert rise_by_kind(before, after, ["json", "json", "text"]) == {"json": 1.0, "text": -1.0}


def test_forgetting_is_a_rise_beyond_the_bound_and_beyond_noise() -> None:
    task = rows(2.0), rows(1.0)
    small = outcome_of(
        9, shot(0, task[0], rows(3.0)), shot(9, task[1], rows(3.0 + 0.9 * FORGOTTEN)), GENERAL, []
    )
    large = outcome_of(9, shot(0, task[0], rows(3.0)), shot(9, task[1], rows(3.3)), GENERAL, [])
    noisy = shot(9, task[1], rows(3.3, spread=2.0))
    unsure = outcome_of(9, shot(0, task[0], rows(3.0)), noisy, GENERAL, [])
    assert titles(small) == titles(unsure) == []
    assert titles(large) == ["It has forgotten"]
    assert "lower learning_rate" in large.remarks[0].text
    assert "replay_dataset" in large.remarks[0].text


def trade(*figures: tuple[int, float, float | None], step: int) -> Point | None:
    return better_trade([Point(at, task, general) for at, task, general in figures], step)


def test_the_better_trade_keeps_nine_tenths_of_the_gain_and_forgets_least() -> None:
    found = trade((0, 3.0, 1.0), (10, 2.2, 1.0), (20, 1.05, 1.1), (30, 1.02, 1.2), (40, 1.0, 1.6), step=40)
    assert found is not None
    assert found.step == 20


@pytest.mark.parametrize(
    "figures",
    [
        [(0, 3.0, 1.0), (20, 1.5, 1.1), (40, 1.0, 1.6)],  # three quarters of the gain
        [(0, 3.0, 1.0), (20, 1.05, 1.59), (40, 1.0, 1.6)],  # hardly less forgotten
        [(0, 3.0, 1.0), (20, 1.05, 0.8), (40, 1.0, 0.9)],  # nothing was forgotten
        [(0, 1.0, 1.0), (20, 1.0, 1.1), (40, 1.1, 1.6)],  # nothing was gained
        [(0, 3.0, None), (20, 1.05, 1.1), (40, 1.0, 1.6)],
        [(20, 1.05, 1.1), (40, 1.0, 1.6)],
    ],
)
def test_there_is_no_better_trade_without_a_clear_one(figures: list[tuple[int, float, float | None]]) -> None:
    assert trade(*figures, step=40) is None


@pytest.mark.parametrize(
    ("path", "said"), [("artifacts/checkpoints/checkpoint-20", "checkpoint-20"), ("", "max_steps = 20")]
)
def test_a_better_trade_says_where_it_is_to_be_had(path: str, said: str) -> None:
    points = [Point(0, 3.0, 1.0), Point(20, 1.05, 1.1, path), Point(40, 1.0, 1.6)]
    found = outcome_of(40, shot(0, rows(3.0), rows(1.0)), shot(40, rows(1.0), rows(1.6)), GENERAL, points)
    assert titles(found) == ["It has forgotten", "Step 20 may be the better trade"]
    assert said in found.remarks[1].text
    assert "98%" in found.remarks[1].text


def test_a_preference_run_that_hits_fewer_tokens_is_nicer_but_less_accurate() -> None:
    before = shot(0, rows(2.0, hits=8), [], rejected=1.5)
    worse = outcome_of(9, before, shot(9, rows(2.0, hits=6), [], rejected=2.5), NOTHING, [])
    assert titles(worse) == ["Nicer but less accurate"]
    assert "100% of the held-out pairs, 0% before" in worse.remarks[0].text
    as_good = outcome_of(9, before, shot(9, rows(2.0, hits=8), [], rejected=2.5), NOTHING, [])
    no_nicer = outcome_of(9, before, shot(9, rows(2.0, hits=6), [], rejected=1.5), NOTHING, [])
    assert titles(as_good) == titles(no_nicer) == []


def test_a_few_lost_tokens_are_noise() -> None:
    before = shot(0, rows(2.0, hits=8), [], rejected=1.5)
    changed = [RowScore(-20.0, 10, 8 + at % 3 - 1) for at in range(10)]
    found = outcome_of(9, before, shot(9, changed, [], rejected=2.5), NOTHING, [])
    assert found.task is not None
    assert found.task.accuracy < 0
    assert titles(found) == []


def test_answers_that_have_become_less_likely_are_named() -> None:
    found = outcome_of(9, shot(0, rows(1.0), []), shot(9, rows(1.5, spread=0.1), []), NOTHING, [])
    assert titles(found) == ["Held-out answers have become less likely"]


def test_a_weak_start_of_a_preference_run_is_named_before_it_begins() -> None:
    low, high, few = rows(3.0, hits=2), rows(1.0, hits=7), rows(3.0, hits=2, count=3)
    found = weak_start(shot(0, low, []))
    assert found is not None
    assert "20% of their tokens" in found.text
    assert weak_start(shot(0, high, [])) is weak_start(shot(0, few, [])) is weak_start(None) is None
