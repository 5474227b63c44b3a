"""How G5 measures a command with its children: wall time, and the peak of anonymous memory of each process.

Linux alone. Memory is looked at every few milliseconds: what is held shorter may be missed, in either arm.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_EVERY = 0.01


def watched(command: Sequence[str], environment: dict[str, str]) -> dict[str, Any]:
    """What the command prints as JSON in its last line, with `seconds` and `peaks` in bytes, its own first.

    Raises CalledProcessError when it fails.
    """
    begin, peaks = time.perf_counter(), dict[int, int]()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        while process.poll() is None:
            for pid in family(process.pid):
                peaks[pid] = max(peaks.get(pid, 0), anonymous(pid))
            time.sleep(_EVERY)
        seconds = time.perf_counter() - begin
        said = process.stdout.read().splitlines() if process.stdout else []
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    printed: dict[str, Any] = json.loads(said[-1]) if said else {}
    others = [peak for pid, peak in peaks.items() if pid != process.pid]
    return printed | {"seconds": seconds, "peaks": [peaks.get(process.pid, 0), *others]}


def family(pid: int) -> list[int]:
    """A process and all below it; empty once it is gone."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []
    return [pid, *(below for child in children for below in family(child))]


def anonymous(pid: int) -> int:
    """Bytes of anonymous memory that a process holds; 0 once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


def written() -> int:
    """Bytes that this process, and the children that it has waited for, gave to write calls."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("wchar:"))
