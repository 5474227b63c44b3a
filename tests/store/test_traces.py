"""Traces on disk: one whole line each, in the file of their day."""

from __future__ import annotations

from pathlib import Path

import msgspec

from store.records.data import Message
from store.records.traces import Trace
from store.traces import TraceWriter


def trace(number: int, day: str = "2026-01-31") -> Trace:
    return Trace(f"t{number}", f"{day}T10:00:00.000Z", "base", [Message("user", "Hello")], "Good day.")


def ids(file: Path) -> list[str]:
    return [msgspec.json.decode(line, type=Trace).trace_id for line in file.read_bytes().splitlines()]


def test_each_trace_is_a_line_of_its_day_and_on_disk_at_once(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path)
    for number, day in [(1, "2026-01-31"), (2, "2026-01-31"), (3, "2026-02-01")]:
        writer.append(trace(number, day))
    assert ids(tmp_path / "2026-01-31.jsonl") == ["t1", "t2"]
    assert ids(tmp_path / "2026-02-01.jsonl") == ["t3"]
    writer.close()


def test_a_line_torn_by_a_kill_is_cut_before_the_next_is_written(tmp_path: Path) -> None:
    first = TraceWriter(tmp_path)
    first.append(trace(1))
    first.close()
    file = tmp_path / "2026-01-31.jsonl"
    with file.open("ab") as torn:
        torn.write(b'{"trace_id": "t2", "ti')
    second = TraceWriter(tmp_path)
    second.append(trace(3))
    second.close()
    assert ids(file) == ["t1", "t3"]


def test_a_deleted_file_is_begun_again(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path)
    writer.append(trace(1))
    (tmp_path / "2026-01-31.jsonl").unlink()
    writer.append(trace(2))
    writer.close()
    assert ids(tmp_path / "2026-01-31.jsonl") == ["t2"]
