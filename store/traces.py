"""Traces of served requests: `.temper/traces/YYYY-MM-DD.jsonl`, a line each, appended by the server alone."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import msgspec

from store import atomic
from store.records.traces import Trace
from store.runs import end_torn_line

_encoder = msgspec.json.Encoder()


class TraceWriter:
    """Appends traces to the file of their day (UTC). A workspace's only writer: its server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._day = ""
        self._file: BinaryIO | None = None

    def append(self, trace: Trace) -> None:
        """Write one line and flush it. Raises TemperError when the disk is full."""
        day = trace.time[:10]
        path = self._folder / f"{day}.jsonl"
        try:
            if self._file is None or day != self._day or not path.exists():
                self._open(path, day)
            assert self._file is not None
            self._file.write(_encoder.encode(trace) + b"\n")
            self._file.flush()
        except OSError as error:
            raise atomic.disk_error(error, path) from error

    def close(self) -> None:
        """Close the day's file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, path: Path, day: str) -> None:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        end_torn_line(path)  # a server killed in mid-write left it
        self._file, self._day = path.open("ab"), day
