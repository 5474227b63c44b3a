"""Free cores: what others use is not ours, what we use ourselves is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from engine.inference.cores import LOOK_SECONDS, FreeCores, Look, allowed_cores, looked


def free(cores: int, others: float, own: float) -> int:
    """What is free of `cores` where others use so many on average, and this process so many."""
    begin = time.monotonic() - 2 * LOOK_SECONDS
    looks = iter([Look(begin, 100.0, 7.0), Look(begin + 10.0, 100.0 + 10 * (others + own), 7.0 + 10 * own)])
    return FreeCores(cores, lambda: next(looks)).count()


@pytest.mark.parametrize(
    ("cores", "others", "own", "expected"),
    [
        (2, 0.0, 2.0, 2),
        (2, 0.1, 1.9, 2),
        (2, 1.0, 1.0, 1),
        (2, 2.0, 0.0, 1),
        (8, 0.0, 1.0, 8),
        (8, 3.0, 5.0, 5),
        (8, 2.6, 5.0, 5),
        (8, 20.0, 1.0, 1),
    ],
)
def test_cores_that_others_use_are_left_to_them(cores: int, others: float, own: float, expected: int) -> None:
    assert free(cores, others, own) == expected


def test_it_is_not_looked_again_at_every_step() -> None:
    looks = iter([Look(time.monotonic(), 0.0, 0.0)])
    cores = FreeCores(4, lambda: next(looks))
    assert [cores.count() for _ in range(100)] == [4] * 100


def test_work_of_this_process_is_counted_as_its_own() -> None:
    before = looked()
    while time.process_time() - before.own < 0.05:
        sum(range(1000))
    after = looked()
    assert after.own - before.own >= 0.05
    assert after.busy >= before.busy


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("max 100000", None),
        ("100000 100000", 1),
        ("50000 100000", 1),
        ("nonsense", None),
        ("6400000 100000", 64),
    ],
)
def test_a_container_gets_no_more_threads_than_its_share(
    tmp_path: Path, quota: str, expected: int | None
) -> None:
    (tmp_path / "cpu.max").write_text(f"{quota}\n")
    usable = len(os.sched_getaffinity(0))
    assert allowed_cores(tmp_path / "cpu.max") == min(usable, expected or usable)
    assert allowed_cores(tmp_path / "absent") == usable
