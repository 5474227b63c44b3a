"""Row scans over a whole version, in processes of their own where it is large, results in its order.

They run while the process that asked goes on with set checks: neither waits for the other. Does not know what
a scan looks for, nor what a report is.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, suppress
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import NamedTuple

import msgspec

from engine import offline
from engine.data.checks.contract import (
    CannotRun,
    Prepares,
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
    """The rows of a version as set checks see them. Lists run in parallel, as in `Basis`."""

    rows: list[str] = []
    lines: list[int] = []
    splits: list[str] = []
    asked: list[str] = []
    answers: list[str] = []
    metadata: list[dict[str, str]] = []
    contexts: list[str] = []
    rejected: list[str] = []
    labels: list[bool | None] = []

    def add(self, example: Example) -> None:
        """Append the row of the source that comes next."""
        self.rows.append(example.row)
        self.lines.append(example.line)
        self.splits.append(example.split)
        self.asked.append(asked_of(example))
        self.answers.append("" if example.text else answer_of(example))
        self.metadata.append(example.metadata)
        self.contexts.append(context_of(example))
        self.rejected.append(rejected_of(example))
        self.labels.append(example.label)


def read_table(path: Path, progress: Progress) -> Table:
    """All rows of a file. Raises TemperError when it is damaged, and whatever `progress` raises."""
    total = sum(example_table.group_sizes(path))
    table = Table()
    progress(0, total)
    for batch in example_table.read_batches(path, READ_AT_ONCE):
        for example in batch:
            table.add(example)
        progress(len(table.rows), total)
    return table


class Found(msgspec.Struct):
    """What scans noted in rows, in their order."""

    hits: list[Hit] = []
    troubles: list[Trouble] = []

    def add(self, part: Found, begin: int) -> None:
        """Append what was found in the rows from `begin` on."""
        self.hits += [hit._replace(at=hit.at + begin) for hit in part.hits]
        self.troubles += part.troubles


class Cancelled(Exception):
    """Raised in a worker when the process that started it wants no more."""


class Scanning:
    """The scans of `entries` over a file, begun on entering the `with` block where they have processes of
    their own, and ended with it.

    `processes` 0 chooses: none for few rows, else one per core. What is found does not depend on it. Raises
    TemperError when the file is damaged.
    """

    def __init__(
        self, path: Path, entries: Sequence[Entry], settings: CheckSettings, processes: int = 0
    ) -> None:
        self._path = path
        self._entries = tuple(entries)
        self._settings = settings
        self._sizes = example_table.group_sizes(path)
        self.total = sum(self._sizes)
        self._count = min(processes or wanted(self.total), len(self._sizes))
        self._stack = ExitStack()
        self._futures: list[Future[Found]] = []

    def __enter__(self) -> Scanning:
        if self._count > 1 and self._entries:
            # spawn: the worker of a job has threads and locks that must not be copied by a fork
            context = multiprocessing.get_context("spawn")
            stop = context.Event()
            begin = partial(_begin, self._entries, self._settings, stop)
            pool = ProcessPoolExecutor(self._count, context, begin)
            self._stack.callback(pool.shutdown, wait=True, cancel_futures=True)
            self._stack.callback(stop.set)
            groups = range(len(self._sizes))
            self._futures = [pool.submit(_scan_group, self._path, group) for group in groups]
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def done(self) -> int:
        """How many rows have been scanned."""
        pairs = zip(self._futures, self._sizes, strict=False)
        return sum(size for future, size in pairs if future.done())

    def finish(self, progress: Progress) -> Found:
        """All that is found, once all is scanned. Raises what `progress` raises."""
        whole = Found()
        if not self._futures:
            self._scan_here(whole, progress)
            return whole
        waiting = set(self._futures)
        while waiting:
            ended, waiting = wait(waiting, POLL_SECONDS, FIRST_COMPLETED)
            for future in ended:
                future.result()
            progress(self.done(), self.total)
        begin = 0
        for future, size in zip(self._futures, self._sizes, strict=True):
            whole.add(future.result(), begin)
            begin += size
        return whole

    def _scan_here(self, whole: Found, progress: Progress) -> None:
        scans = make_scans(self._entries, self._settings)
        begin = 0
        for batch in example_table.read_batches(self._path, READ_AT_ONCE):
            whole.add(scan_batch(batch, scans), begin)
            begin += len(batch)
            progress(begin, self.total)


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


def scan_batch(batch: Sequence[Example], scans: Sequence[tuple[str, RowScan]]) -> Found:
    """Some rows, through all scans. Indices start at 0.

    A scan sees all rows before the next one does: what it works with stays in the processor's caches.
    """
    found = Found()
    preparing = [scan for _, scan in scans if isinstance(scan, Prepares)]
    for one in preparing:
        with suppress(Exception):  # an odd row is met again, and named, where each is scanned by itself
            one.prepare(batch)
    for target, scan in scans:
        for at, example in enumerate(batch):
            try:
                found.hits += [Hit(at, kind, note) for kind, note in scan.scan(example)]
            except Exception as error:  # one odd row must not cost the findings on all others
                found.troubles.append(Trouble(target, example.line, f"{type(error).__name__}: {error}"))
    for one in preparing:
        with suppress(Exception):
            one.prepare(())
    return found


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


def _scan_group(path: Path, group: int) -> Found:
    whole = Found()
    begin = 0
    for batch in example_table.read_batches(path, READ_AT_ONCE, [group]):
        if _State.stop is not None and _State.stop.is_set():
            raise Cancelled
        whole.add(scan_batch(batch, _State.scans), begin)
        begin += len(batch)
    return whole
