"""Row scans over a whole version: read once, in several processes where it is large, results in its order.

What is read for the scans is also what set checks look at, so it comes back beside the findings. Does not
know what a scan looks for, nor what a report is.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import NamedTuple

import msgspec

from engine import offline
from engine.data.checks.contract import (
    CannotRun,
    Progress,
    RowScan,
    answer_of,
    asked_of,
    context_of,
    rejected_of,
)
from engine.data.checks.registry import Entry, make_scan
from store import example_table
from store.records.data import Example
from store.records.findings import CheckSettings

SMALL = 4_000
"""Rows up to which this process does all: two more would take longer to start than the scans."""
MOST_PROCESSES = 8
READ_AT_ONCE = 512
POLL_SECONDS = 0.25


class Hit(NamedTuple):
    """Something found in row `at` (of the source's order): the id of a `Kind`, and a note."""

    at: int
    kind: str
    note: str


class Trouble(NamedTuple):
    """A scan that failed on a row, by its registry target: a fault of ours that must not stop the rest."""

    target: str
    line: int
    error: str


class Table(msgspec.Struct):
    """What was read and found. Lists run in parallel, as in `Basis`."""

    rows: list[str] = []
    lines: list[int] = []
    splits: list[str] = []
    asked: list[str] = []
    answers: list[str] = []
    metadata: list[dict[str, str]] = []
    contexts: list[str] = []
    rejected: list[str] = []
    labels: list[bool | None] = []
    hits: list[Hit] = []
    troubles: list[Trouble] = []

    def add(self, part: Table) -> None:
        """Append the rows of the source that come next."""
        begin = len(self.rows)
        for name in (*COLUMNS, "troubles"):
            getattr(self, name).extend(getattr(part, name))
        self.hits += [Hit(hit.at + begin, hit.kind, hit.note) for hit in part.hits]


COLUMNS = tuple(name for name in Table.__struct_fields__ if name not in ("hits", "troubles"))


class Cancelled(Exception):
    """Raised in a worker when the process that started it wants no more."""


def scan_table(
    path: Path, entries: Sequence[Entry], settings: CheckSettings, progress: Progress, processes: int = 0
) -> Table:
    """All rows of the file through the scans of `entries`, which must be able to run.

    `processes` 0 chooses: one for few rows, else one per core. The result does not depend on it. Raises
    TemperError when the file is damaged, and whatever `progress` raises, with no process left behind.
    """
    sizes = example_table.group_sizes(path)
    total = sum(sizes)
    progress(0, total)
    count = min(processes or wanted(total), len(sizes))
    if count > 1:
        return _scan_apart(path, entries, settings, progress, sizes, count)
    whole = Table()
    scans = make_scans(entries, settings)
    for batch in example_table.read_batches(path, READ_AT_ONCE):
        whole.add(scan_batch(batch, scans))
        progress(len(whole.rows), total)
    return whole


def wanted(rows: int) -> int:
    """How many processes that many rows are worth, by the cores this process may use."""
    return 1 if rows <= SMALL else min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


def make_scans(entries: Sequence[Entry], settings: CheckSettings) -> list[tuple[str, RowScan]]:
    """The scans by registry target; those that cannot run are left out (run.py says so)."""
    found = []
    for entry in entries:
        try:
            found.append((entry.target, make_scan(entry, settings)))
        except CannotRun:
            continue
    return found


def scan_batch(batch: Sequence[Example], scans: Sequence[tuple[str, RowScan]]) -> Table:
    """Some rows, through all scans. Indices start at 0."""
    part = Table()
    for index, example in enumerate(batch):
        part.rows.append(example.row)
        part.lines.append(example.line)
        part.splits.append(example.split)
        part.asked.append(asked_of(example))
        part.answers.append("" if example.text else answer_of(example))
        part.metadata.append(example.metadata)
        part.contexts.append(context_of(example))
        part.rejected.append(rejected_of(example))
        part.labels.append(example.label)
        for target, scan in scans:
            try:
                part.hits += [Hit(index, kind, note) for kind, note in scan.scan(example)]
            except Exception as error:  # one odd row must not cost the findings on all others
                part.troubles.append(Trouble(target, example.line, f"{type(error).__name__}: {error}"))
    return part


def _scan_apart(
    path: Path,
    entries: Sequence[Entry],
    settings: CheckSettings,
    progress: Progress,
    sizes: Sequence[int],
    count: int,
) -> Table:
    # spawn: the worker of a job has threads and locks that must not be copied by a fork
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    begin = partial(_begin, tuple(entries), settings, stop)
    parts: list[Table] = []
    with ProcessPoolExecutor(count, context, begin) as pool:
        try:
            futures = [pool.submit(_scan_group, path, group) for group in range(len(sizes))]
            for done in _watch(futures, sizes):
                progress(done, sum(sizes))
            parts = [future.result() for future in futures]
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
    whole = Table()
    for part in parts:
        whole.add(part)
    return whole


def _watch(futures: Sequence[Future[Table]], sizes: Sequence[int]) -> Iterator[int]:
    """Rows done, at least every POLL_SECONDS until all are. Raises what a worker raised."""
    waiting = set(futures)
    while waiting:
        ended, waiting = wait(waiting, POLL_SECONDS, FIRST_COMPLETED)
        for future in ended:
            future.result()
        yield sum(size for future, size in zip(futures, sizes, strict=True) if future.done())


class _State:
    """What a worker process holds between two parts."""

    scans: Sequence[tuple[str, RowScan]] = ()
    stop: Event | None = None


def _begin(entries: tuple[Entry, ...], settings: CheckSettings, stop: Event) -> None:
    """Make a worker ready: guarded, its scans made, gone when its parent is."""
    offline.guard()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _State.scans = make_scans(entries, settings)
    _State.stop = stop


def _end_with_parent() -> None:
    # A parent that was killed closes nothing: a worker would wait for its next part for ever.
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _scan_group(path: Path, group: int) -> Table:
    part = Table()
    for batch in example_table.read_batches(path, READ_AT_ONCE, [group]):
        if _State.stop is not None and _State.stop.is_set():
            raise Cancelled
        part.add(scan_batch(batch, _State.scans))
    return part
