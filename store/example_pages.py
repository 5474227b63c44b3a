"""Rows of a dataset version by their place: a page at a time, and the places where a text occurs.

For looking at many rows without holding them. Knows nothing of versions (store.datasets) or of screens.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from store.example_table import damaged
from store.records.data import Example

if TYPE_CHECKING:
    import pyarrow as pa

GROUPS_HELD = 3  # row groups kept decoded: a screen looks at one place, and sometimes back
SLICE = 2048  # rows turned into Python objects at a time: the interpreter is held for that long


class Keys(msgspec.Struct):
    """What names the rows, in the order of the source; lists of one length."""

    rows: list[str]
    lines: list[int]
    splits: list[str]


class ExamplePages:
    """Reads one row file. Several threads may use it, one after the other. Close it at the end."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises TemperError when it is damaged."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._path = path
        self._lock = threading.RLock()
        self._held: OrderedDict[int, pa.Table] = OrderedDict()
        try:
            self._file = pq.ParquetFile(path)
        except (OSError, pa.ArrowException) as error:
            raise damaged(path, error) from error
        sizes = [self._file.metadata.row_group(n).num_rows for n in range(self._file.num_row_groups)]
        self._starts: list[int] = [0, *accumulate(sizes)]

    def __len__(self) -> int:
        return self._starts[-1]

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._held.clear()
            self._file.close()

    def keys(self) -> Keys:
        """Ids, lines and splits of all rows. Raises TemperError when the file is damaged."""
        found = Keys([], [], [])
        for group in range(self._file.num_row_groups):
            table = self._read(group, ["row", "line", "split"])
            for start in range(0, len(table), SLICE):
                part = table.slice(start, SLICE)
                found.rows += part.column("row").to_pylist()
                found.lines += part.column("line").to_pylist()
                found.splits += part.column("split").to_pylist()
        return found

    def read(self, places: Sequence[int]) -> list[Example]:
        """The rows at these places (0-based), in that order. Raises TemperError when the file is damaged."""
        with self._lock:
            return [self._row(place) for place in places]

    def search(self, text: str, stopped: Callable[[], bool] = lambda: False) -> list[int]:
        """The places of rows in whose turns, text or tool calls `text` occurs; case does not matter.

        Ends early, with what it has, once `stopped` says so. Raises TemperError when the file is damaged.
        """
        places: list[int] = []
        for group, start in enumerate(self._starts[:-1]):
            if stopped():
                break
            table = self._read(group, ["messages", "rejected", "text"])
            places += [start + place for place in _matching(table, text)]
        return places

    def _row(self, place: int) -> Example:
        group = bisect_right(self._starts, place) - 1
        table = self._held.get(group)
        if table is None:
            table = self._read(group, None)
            self._held[group] = table
            while len(self._held) > GROUPS_HELD:
                self._held.popitem(last=False)
        columns = table.slice(place - self._starts[group], 1).to_pylist(maps_as_pydicts="strict")
        try:
            return msgspec.convert(columns[0], Example)
        except (msgspec.ValidationError, IndexError) as error:
            raise damaged(self._path, error) from error

    def _read(self, group: int, columns: list[str] | None) -> pa.Table:
        import pyarrow as pa

        try:
            with self._lock:
                return self._file.read_row_group(group, columns)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise damaged(self._path, error) from error


def _matching(table: pa.Table, text: str) -> list[int]:
    """The places in `table` whose row holds `text`, in order."""
    import pyarrow.compute as pc

    found: set[int] = set()
    for name in ("messages", "rejected"):
        found |= _in_turns(table.column(name).combine_chunks(), text)
    in_text = pc.match_substring(table.column("text"), text, ignore_case=True)
    found |= set(pc.indices_nonzero(pc.fill_null(in_text, False)).to_pylist())
    return sorted(found)


def _in_turns(turns: Any, text: str) -> set[int]:
    """The places in a column of turn lists with `text` in a content or in the arguments of a tool call."""
    import pyarrow.compute as pc

    parents = pc.list_parent_indices(turns)
    flat = pc.list_flatten(turns)
    hit = pc.fill_null(pc.match_substring(pc.struct_field(flat, "content"), text, ignore_case=True), False)
    found = set(parents.filter(hit).to_pylist())
    calls = pc.struct_field(flat, "tool_calls")
    owners = parents.take(pc.list_parent_indices(calls))
    arguments = pc.struct_field(pc.list_flatten(calls), "arguments")
    hit = pc.fill_null(pc.match_substring(arguments, text, ignore_case=True), False)
    return found | set(owners.filter(hit).to_pylist())
