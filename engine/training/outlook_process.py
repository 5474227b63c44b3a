"""Outlooks from a process of their own: `python -P -m engine.training.outlook_process WORKSPACE`

Takes a line of JSON (store.records.outlook.Asked) for each change of a form and answers the newest with one
(Outlook); ends when its input does. Tokenizers and tables are loaded here: no key waits for them.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from pathlib import Path
from typing import IO

import msgspec

from engine import offline
from store.records.outlook import Asked, Outlook, Problem

MACHINE_SECONDS = 5.0
"""Free memory is asked for anew after so long: the driver takes a while to answer."""

_AGAIN = b"counted"


def main(root: Path, lines: IO[bytes], out: IO[bytes]) -> None:
    """Answer until `lines` end. What was overtaken by a newer question is not answered."""
    from engine.jobs.context import failure_of
    from engine.training.machine import find_machine
    from engine.training.outlook import look, text_of
    from engine.training.row_counts import RowCounts
    from store.workspace import Workspace

    workspace = Workspace(root)
    news: queue.Queue[bytes | None] = queue.Queue()
    counts = RowCounts(workspace, lambda: news.put(_AGAIN))
    threading.Thread(target=read, args=(lines, news), daemon=True).start()
    machine, looked = find_machine(), time.monotonic()
    asked: Asked | None = None
    while True:
        newest, ended = drained(news)
        if ended:
            return
        asked = msgspec.json.decode(newest, type=Asked) if newest else asked
        if asked is None:
            continue
        if time.monotonic() - looked > MACHINE_SECONDS:
            machine, looked = find_machine(), time.monotonic()
        try:
            found = look(workspace, asked, counts, machine)
        except Exception as error:  # a form stays open whatever a recipe meets
            found = Outlook(asked.number, problems=[Problem("", text_of(failure_of(error)))])
        out.write(msgspec.json.encode(found) + b"\n")
        out.flush()


def read(lines: IO[bytes], news: queue.Queue[bytes | None]) -> None:
    """Hand on each line; None at their end."""
    for line in lines:
        news.put(line)
    news.put(None)


def drained(news: queue.Queue[bytes | None]) -> tuple[bytes, bool]:
    """The newest question among all that wait, empty where none is new; and whether there will be no more."""
    newest = b""
    item = news.get()
    while True:
        if item is None:
            return newest, True
        if item is not _AGAIN:
            newest = item
        try:
            item = news.get_nowait()
        except queue.Empty:
            return newest, False


if __name__ == "__main__":
    offline.guard()
    main(Path(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer)
