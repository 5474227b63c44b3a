"""How many cores are free: llama.cpp's threads spin, so one core too many costs more than it brings.

Two threads on a core and a half took four times as long as one (docs/decisions/0025). Looks at what the
processors did, not at what this process computes. The figures of a model do not depend on its threads.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil

LOOK_SECONDS = 0.5
"""How often it is looked again."""
PART = 0.25
"""So much of a core may others have and it still counts as free."""


QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Where a container is told how much processor time it gets: microseconds of a period, or `max`."""


def allowed_cores(quota: Path = QUOTA) -> int:
    """Cores that this process may use, by its affinity and by its container's quota, at least 1."""
    usable = len(os.sched_getaffinity(0))
    try:
        time_share, period = quota.read_text(encoding="ascii").split()
        return max(1, min(usable, int(int(time_share) / int(period) + PART)))
    except (OSError, ValueError):  # no such file, or `max`
        return usable


class Look(NamedTuple):
    """Seconds of processor time since some beginning: of all programs on the cores, and of this one."""

    at: float
    busy: float
    own: float


class FreeCores:
    """`count()` is how many of `cores` are not in use by other programs, at least 1."""

    def __init__(self, cores: int, look: Callable[[], Look] | None = None) -> None:
        self._cores = cores
        self._look = look or looked
        self._last = self._look()
        self._free = cores

    def count(self) -> int:
        """Looked up again from time to time."""
        if time.monotonic() - self._last.at < LOOK_SECONDS:
            return self._free
        now = self._look()
        seconds = now.at - self._last.at
        others = max(0.0, (now.busy - self._last.busy) - (now.own - self._last.own)) / seconds
        self._free = max(1, min(self._cores, int(self._cores - others + PART)))
        self._last = now
        return self._free


def looked() -> Look:
    """The processors that this process may use, as the kernel counts them."""
    usable = os.sched_getaffinity(0)
    each = psutil.cpu_times(percpu=True)
    niced = os.getpriority(os.PRIO_PROCESS, 0) > 0
    busy = sum(_busy(times, niced) for core, times in enumerate(each) if core in usable)
    return Look(time.monotonic(), busy, time.process_time())


def _busy(times: object, niced: bool) -> float:
    """Seconds that a core was at work. Programs of lower precedence than ours give way."""
    names = ["user", "system", "irq", "softirq", "steal", *(["nice"] if niced else [])]
    return float(sum(getattr(times, name, 0.0) for name in names))
