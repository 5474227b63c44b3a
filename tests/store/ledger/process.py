"""Processes of their own for the tests: `python -m tests.store.ledger.process MODE WORKSPACE [N]`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

from store import ledger
from store.ledger import folding, querying
from store.paths import WorkspacePaths


def read(paths: WorkspacePaths, times: int) -> None:
    """Fold and count steps, again and again; the counts, one a line."""
    for _ in range(times):
        print(ledger.query(paths, "SELECT count(*) FROM steps").rows[0][0], flush=True)


def stop_before_the_offset(paths: WorkspacePaths, after: int) -> None:
    """Fold, but say `here` and hang in the transaction number `after`: rows are in, their offset is not."""
    remember, left = folding.remember, after

    def hang(*arguments: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            print("here", flush=True)
            signal.pause()
        remember(*arguments)

    setattr(folding, "remember", hang)  # noqa: B010  # mypy knows the function's own arguments
    ledger.fold(paths)


def ask_for_long(paths: WorkspacePaths) -> None:
    """Say `here`, ask something that takes hours, and say how that ended."""
    run = querying.run

    def announced(*arguments: Any) -> list[tuple[Any, ...]]:
        print("here", flush=True)
        return run(*arguments)

    setattr(querying, "run", announced)  # noqa: B010
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell has it ignored
    try:
        ledger.query(paths, "SELECT count(*) FROM range(1000000000000) t(n) WHERE n % 7 = random()")
    except KeyboardInterrupt:
        print("interrupted")


def hold(paths: WorkspacePaths) -> None:
    """Open the file as a program does that is not Temper, say `here`, and hang."""
    import duckdb

    with duckdb.connect(str(paths.ledger)):
        print("here", flush=True)
        signal.pause()


if __name__ == "__main__":
    workspace = WorkspacePaths(Path(sys.argv[2]))
    match sys.argv[1]:
        case "read":
            read(workspace, int(sys.argv[3]))
        case "stop":
            stop_before_the_offset(workspace, int(sys.argv[3]))
        case "long":
            ask_for_long(workspace)
        case "hold":
            hold(workspace)
