"""G11, the ledger: rows logged and queryable per second while somebody reads, and the speed of a fold.

log    steps written by a worker, read by another process all the while, until the last can be queried,
       against an autocommit insert per row (100x). Gate: same rows in both arms, 1,000 reads beside a
       folding process without an error
fold   100,000 step events into a new ledger (3 s), process start not included
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.benchmarks.arms import FULL_PAIRS, ROOT, Result, result
from store import ledger
from store.paths import WorkspacePaths

HERE = Path(__file__).resolve().parent
FOLD_ROWS, FOLD_SECONDS = 100_000, 3.0
CHECKSUM = """SELECT count(*), CAST(bit_xor(hash(
    seq - 1, step, total, loss, learning_rate, grad_norm, tokens_per_second, memory_bytes)) AS VARCHAR)
    FROM steps WHERE step <= ?"""  # `started` is event 1


def measure(pairs: int) -> list[Result]:
    """Both; the goal itself first. A quick run writes, compares and reads less."""
    rows, compared, reads = (100_000, 2000, 1000) if pairs >= FULL_PAIRS else (50_000, 500, 100)
    return [log(pairs, rows, compared, reads), fold(pairs)]


def command(*arguments: object) -> list[str]:
    """A process of one of the arms."""
    return [sys.executable, *map(str, arguments)]


def told(*arguments: object) -> dict[str, Any]:
    """What a process of an arm prints."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    out = subprocess.run(command(*arguments), check=True, capture_output=True, text=True, env=environment)
    answer: dict[str, Any] = json.loads(out.stdout)
    return answer


@contextmanager
def beside(root: Path, seen: list[dict[str, Any]], mode: str, *arguments: object) -> Iterator[None]:
    """A process that reads for as long as the block runs; `seen` gets what it found."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command(HERE / "g11_temper.py", mode, root, *arguments),
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        yield
    finally:
        process.terminate()
        out, _ = process.communicate()
        seen += [json.loads(line) for line in out.splitlines() if line.endswith("}")]


def temper_rate(rows: int, compared: int) -> tuple[float, Any, list[dict[str, Any]]]:
    """Rows per second from the first write until all can be queried; checksum of the first; the reads."""
    with tempfile.TemporaryDirectory() as folder:
        paths, seen = WorkspacePaths(Path(folder)), list[dict[str, Any]]()
        with beside(paths.root, seen, "watch"):
            while not paths.ledger.exists():  # the reader is up
                time.sleep(0.01)
            began = told(HERE / "g11_temper.py", "write", paths.root, rows)["began"]
            ledger.fold(paths)
            seconds = time.time() - began
        assert ledger.query(paths, "SELECT count(*) FROM steps").rows == [[rows]]
        return rows / seconds, ledger.query(paths, CHECKSUM, [compared]).rows[0], seen


def stock_rate(rows: int) -> tuple[float, Any]:
    """Rows per second of autocommit inserts with a reading cursor beside; the rows' checksum."""
    with tempfile.TemporaryDirectory() as folder:
        answer = told(HERE / "g11_autocommit.py", Path(folder) / "log.duckdb", rows)
    return rows / answer["seconds"], [answer["count"], answer["checksum"]]


def reads_beside_a_writer(reads: int) -> list[dict[str, Any]]:
    """What `reads` reads give while another process folds, and reads, without a pause."""
    with tempfile.TemporaryDirectory() as folder:
        paths, others = WorkspacePaths(Path(folder)), list[dict[str, Any]]()
        told(HERE / "g11_temper.py", "write", paths.root, 1000)
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        with beside(paths.root, others, "read", reads * 10):
            out = subprocess.run(
                command(HERE / "g11_temper.py", "read", paths.root, reads),
                check=True,
                capture_output=True,
                text=True,
                env=environment,
            )
        return [json.loads(line) for line in out.stdout.splitlines()] + others


def log(pairs: int, rows: int, compared: int, reads: int) -> Result:
    """Against autocommit. The control is one row each, where opening the file is all there is to pay."""
    values, control, equal, seen = list[float](), list[float](), True, list[dict[str, Any]]()
    for _ in range(pairs):
        ours, our_rows, read = temper_rate(rows, compared)
        stock, stock_rows = stock_rate(compared)
        values.append(ours / stock)
        equal, seen = equal and our_rows == stock_rows, seen + read
        control.append(temper_rate(1, 1)[0] / stock_rate(1)[0])
    seen += reads_beside_a_writer(reads)
    errors = [one["error"] for one in seen if "error" in one]
    return result(
        "G11 log",
        values,
        target=">= 100",
        passed=equal and not errors and len(seen) >= reads,
        detail=f"first {compared} rows equal by count and checksum: {equal}; {len(seen)} reads beside "
        f"a writer, {len(errors)} errors{': ' + errors[0] if errors else ''}",
        control=control,
    )


def fold(pairs: int) -> Result:
    """A fold of many events into a new ledger; the control is a second fold, with nothing new."""
    seconds, again, complete = list[float](), list[float](), True
    with tempfile.TemporaryDirectory() as folder:
        paths = WorkspacePaths(Path(folder))
        told(HERE / "g11_temper.py", "write", paths.root, FOLD_ROWS)
        for _ in range(pairs):
            for file in paths.derived.glob("ledger.duckdb*"):
                file.unlink()
            seconds.append(told(HERE / "g11_temper.py", "fold", paths.root)["seconds"])
            again.append(told(HERE / "g11_temper.py", "fold", paths.root)["seconds"])
            found = ledger.query(paths, "SELECT count(*), count(DISTINCT step) FROM steps").rows
            complete = complete and found == [[FOLD_ROWS, FOLD_ROWS]]
    return result(
        "G11 fold",
        [one / FOLD_SECONDS for one in seconds],
        target="<= 1",
        passed=complete,
        detail=f"all {FOLD_ROWS} steps are in the ledger, once: {complete}",
        control=[one / FOLD_SECONDS for one in again],
        unit=f"{FOLD_SECONDS:.0f} s",
    )
