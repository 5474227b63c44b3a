"""Temper's arm of G11, in parts that are processes of their own:

    python g11_temper.py write WORKSPACE ROWS    a worker's part: log ROWS steps
    python g11_temper.py read WORKSPACE READS    fold and count READS times, one after another
    python g11_temper.py watch WORKSPACE         a live reader: fold and count as often as a screen looks
    python g11_temper.py fold WORKSPACE          fold what is new, once

Each prints a JSON object; the reader one per read, so that a kill loses none.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from store import clock, ledger, runs
from store.paths import WorkspacePaths
from store.records.events import Started, Step
from store.records.runs import RunSpec

RUN = "log"
READ_EVERY = 0.25  # seconds, as in the other arm


def write(paths: WorkspacePaths, rows: int) -> None:
    """What a training run logs, as fast as it can."""
    folder = runs.create(paths.runs, RunSpec(RUN, "scripted", clock.stamp(), str(paths.root)))
    writer = runs.EventWriter(folder)
    writer.emit(Started(run_id=RUN))
    began = time.time()
    for i in range(1, rows + 1):
        writer.emit(
            Step(
                step=i,
                total=100_000,
                loss=1 / i,
                learning_rate=1e-4,
                grad_norm=0.5,
                tokens_per_second=900.0 + i % 100,
                memory_bytes=i * 1024,
            )
        )
    writer.close()
    print(json.dumps({"began": began}))


def read(paths: WorkspacePaths, reads: int) -> None:
    """Fold and count, again and again; an error of any kind is counted, never raised."""
    for _ in range(reads):
        try:
            found = ledger.query(paths, "SELECT count(*), avg(loss) FROM steps").rows[0][0]
            print(json.dumps({"count": found}), flush=True)
        except Exception as error:
            print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)


def fold(paths: WorkspacePaths) -> None:
    """Fold, and say how long it took: the process's start is not part of it."""
    import duckdb  # noqa: F401  # a screen has it loaded when it folds

    begin = time.perf_counter()
    folded = ledger.fold(paths)
    print(json.dumps({"seconds": time.perf_counter() - begin, "rows": folded.rows}))


if __name__ == "__main__":
    workspace = WorkspacePaths(Path(sys.argv[2]))
    match sys.argv[1]:
        case "write":
            write(workspace, int(sys.argv[3]))
        case "read":
            read(workspace, int(sys.argv[3]))
        case "watch":
            while True:
                read(workspace, 1)
                time.sleep(READ_EVERY)
        case _:
            fold(workspace)
