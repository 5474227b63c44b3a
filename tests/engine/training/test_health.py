"""Losses, held-out losses and step times in, judgements out."""

from __future__ import annotations

import math
import random
import threading

import pytest

from engine.training.health import RECENT, HeldoutWatch, LossWatch, StepClock, Watchdog


def heard(losses: list[float]) -> int | None:
    """The step behind which the weights are lost, by a watch that hears `losses` from step 1."""
    watch = LossWatch()
    for step, loss in enumerate(losses, start=1):
        if (lost := watch.hear(step, loss, 1.0)) is not None:
            return lost
    return None


def falling(steps: int, noise: float = 0.3) -> list[float]:
    numbers = random.Random(3)
    return [2.5 * math.exp(-step / 40) + 0.2 + noise * numbers.random() for step in range(steps)]


def test_a_loss_that_falls_with_noise_is_fine() -> None:
    assert heard(falling(300)) is None


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_tells_of_the_weights_before_it(loss: float) -> None:
    assert heard([2.0, 1.9, loss]) == 2


def test_a_gradient_that_is_no_number_tells_of_its_own_step() -> None:
    assert LossWatch().hear(7, 1.5, float("nan")) == 7


def test_an_explosion_is_dated_back_to_where_it_began() -> None:
    begin = 60
    assert heard(falling(begin) + [9.0] * RECENT) == begin


def test_one_hard_batch_is_no_explosion() -> None:
    assert heard([*falling(60), 9.0, 9.0, *falling(20)]) is None


def test_small_losses_that_double_are_none_either() -> None:
    assert heard([2.0] * 10 + [0.02] * 50 + [0.1] * 20) is None


def test_easy_and_hard_batches_in_turn_are_none() -> None:
    mixed = ([0.05] * 7 + [0.6] * 3) * 12

    assert heard(mixed) is None
    assert heard(mixed + [2.4] * RECENT) is not None


def test_hard_batches_that_come_at_random_are_hardly_ever_taken_for_an_explosion() -> None:
    alarms = 0
    for seed in range(100):
        draw = random.Random(seed)
        alarms += heard([0.6 if draw.random() < 0.2 else 0.05 for _ in range(200)]) is not None

    assert alarms <= 2


def test_a_run_that_explodes_in_its_first_steps_is_found() -> None:
    assert heard([2.3] * RECENT + [11.0] * (2 * RECENT)) is not None


def evaluations(train: list[float], heldout: list[float]) -> list[str]:
    """Titles of what is said while losses of training and held-out rows are heard in turn."""
    watch, said = HeldoutWatch(), []
    for step, (one, other) in enumerate(zip(train, heldout, strict=True), start=1):
        watch.step(one)
        verdict = watch.evaluation(step * 10, other)
        said += [verdict.title] if verdict else []
    return said


def test_a_heldout_loss_that_falls_with_the_training_loss_is_fine() -> None:
    assert evaluations([2.0, 1.5, 1.2, 1.0], [2.1, 1.7, 1.5, 1.4]) == []


def test_overfitting_is_named_once_with_the_better_step() -> None:
    said = evaluations([2.0, 1.8, 1.7, 1.6, 1.5], [2.1, 1.9, 2.1, 2.2, 2.2])
    assert said == ["It overfits"]


def test_losses_that_part_are_named() -> None:
    assert evaluations([2.0, 0.9, 0.5], [2.0, 1.3, 1.35]) == ["Training and held-out loss part"]


def ticking(took: float, steps: int = RECENT) -> StepClock:
    """A clock that has seen steps of `took` seconds and in which one has begun at 1000."""
    steps_seen = StepClock()
    for step in range(steps):
        steps_seen.begin(step * 100.0)
        steps_seen.end(step * 100.0 + took)
    steps_seen.begin(1000.0)
    return steps_seen


def test_a_step_of_three_times_the_median_has_stalled_and_is_told_once() -> None:
    steps = ticking(10.0)
    assert steps.stalled(1029.0) is None
    assert steps.stalled(1031.0) == (31.0, 10.0)
    assert steps.stalled(1090.0) is None
    assert steps.end(1100.0) == 100.0


def test_a_moment_of_waiting_is_no_stall() -> None:
    assert ticking(0.01).stalled(1001.0) is None


def test_the_first_steps_have_nothing_to_be_compared_with() -> None:
    assert ticking(1.0, steps=RECENT - 1).stalled(1900.0) is None


def test_between_steps_nothing_stalls() -> None:
    steps = ticking(1.0)
    steps.end(1001.0)
    assert steps.stalled(1900.0) is None


def test_the_watchdog_barks_from_its_own_thread_and_can_be_called_off() -> None:
    steps, barked = ticking(1.0), threading.Event()
    threads: list[str] = []

    def bark(waited: float, usual: float) -> None:
        threads.append(threading.current_thread().name)
        barked.set()

    steps.begin(-1e9)  # long ago, whatever the clock says
    dog = Watchdog(steps, bark, poll=0.001)
    dog.start()
    assert barked.wait(30)
    dog.stop()
    assert threads == ["watchdog"]
