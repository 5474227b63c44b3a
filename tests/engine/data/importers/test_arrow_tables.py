"""Parquet and Arrow files: values as JSON has them, batch by batch, and refusals of what is torn."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.data.importers import Dropped, Record
from engine.data.importers.arrow_tables import read_arrow, read_parquet
from store.errors import TemperError
from tests.engine.data.conftest import Importing

MESSAGES = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]


def parquet(path: Path, table: pa.Table, **options: Any) -> Path:
    pq.write_table(table, path, **options)
    return path


def arrow(path: Path, table: pa.Table, *, stream: bool = False) -> Path:
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=7)
    return path


def values(items: Any) -> list[dict[str, Any]]:
    found = list(items)
    assert all(isinstance(item, Record) for item in found)
    return [item.value for item in found]


def ignore(at: int) -> None:
    """Progress that nobody looks at."""


@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
def test_chats_are_imported_with_the_number_of_each_record(
    importing: Importing, tmp_path: Path, kind: str
) -> None:
    table = pa.table({"messages": [MESSAGES] * 20, "id": list(range(20))})
    path = tmp_path / "any.name"
    if kind == "parquet":
        parquet(path, table, row_group_size=6)
    else:
        arrow(path, table, stream=kind == "stream")
    info = importing.file(path).info
    assert (info.shape, info.rows_kept, info.dropped) == ("chat", 20, [])
    assert [row.line for row in importing.rows()] == list(range(1, 21))


def test_values_become_what_json_has(tmp_path: Path) -> None:
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    table = pa.table(
        {
            "at": pa.array([moment], pa.timestamp("ns", "UTC")),
            "day": pa.array([datetime.date(2026, 1, 2)]),
            "price": pa.array([decimal.Decimal("12.30")]),
            "kind": pa.array(["red"]).dictionary_encode(),
            "bytes": pa.array([b"text"]),
            "image": pa.array([b"\xff\xd8"]),
            "missing": pa.array([float("nan")]),
            "huge": pa.array([2**64 - 1], pa.uint64()),
            "pairs": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
            "deep": pa.array([[{"x": moment, "y": None}]]),
            "null": pa.nulls(1),
            "large": pa.array(["t"], pa.large_string()),
            "took": pa.array([datetime.timedelta(seconds=1)], pa.duration("ms")),
        }
    )
    expected = {
        "at": "2026-01-02 03:04:05.000000000Z",
        "day": "2026-01-02",
        "price": "12.30",
        "kind": "red",
        "bytes": "text",
        "image": None,
        "missing": None,
        "huge": 2**64 - 1,
        "pairs": {"a": 1},
        "deep": [{"x": "2026-01-02 03:04:05.000000Z", "y": None}],
        "null": None,
        "large": "t",
        "took": 1000,
    }
    assert values(read_arrow(arrow(tmp_path / "a.arrow", table), ignore)) == [expected]
    (from_parquet,) = values(read_parquet(parquet(tmp_path / "a.parquet", table), ignore))
    assert from_parquet == expected


def test_a_row_that_cannot_be_read_costs_only_itself(tmp_path: Path) -> None:
    good = pa.array(["one", "xx", "three"])
    buffers = good.buffers()
    broken = pa.Array.from_buffers(pa.string(), 3, [None, buffers[1], pa.py_buffer(b"one\xff\xffthree")])
    table = pa.table({"text": broken})
    items = list(read_arrow(arrow(tmp_path / "a.arrow", table), ignore))
    assert [item.line for item in items] == [1, 2, 3]
    assert [isinstance(item, Dropped) for item in items] == [False, True, False]


def test_keys_that_stand_twice_in_a_map_cost_their_row(tmp_path: Path) -> None:
    pairs = pa.array([[("a", 1), ("a", 2)], [("a", 1)]], pa.map_(pa.string(), pa.int64()))
    items = list(read_arrow(arrow(tmp_path / "a.arrow", pa.table({"m": pairs})), ignore))
    assert [type(item) for item in items] == [Dropped, Record]


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["q"]), pa.array(["a"])], names=["text", "text"])
    for read, path in (
        (read_parquet, parquet(tmp_path / "a.parquet", table)),
        (read_arrow, arrow(tmp_path / "a.arrow", table)),
    ):
        with pytest.raises(TemperError, match="'text' stands more than once"):
            list(read(path, ignore))


@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
@pytest.mark.parametrize("cut", [1, 8, 300])
def test_a_file_that_breaks_off_is_refused(importing: Importing, tmp_path: Path, kind: str, cut: int) -> None:
    table = pa.table({"prompt": ["q"] * 50, "completion": [f"a{index}" for index in range(50)]})
    path = tmp_path / f"a.{'parquet' if kind == 'parquet' else 'arrow'}"
    if kind == "parquet":
        parquet(path, table)
    else:
        arrow(path, table, stream=kind == "stream")
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(TemperError, match="damaged"):
        importing.file(path)


def test_flipped_bytes_within_offsets_do_not_reach_foreign_memory(tmp_path: Path) -> None:
    table = pa.table({"prompt": ["question"] * 3, "completion": ["answer"] * 3})
    path = arrow(tmp_path / "a.arrow", table)
    whole = path.read_bytes()
    offsets = whole.index(b"\x08\x00\x00\x00\x10\x00\x00\x00\x18\x00\x00\x00")
    path.write_bytes(whole[:offsets] + b"\xff\xff\xff\x7f" + whole[offsets + 4 :])
    items = list(read_arrow(path, ignore))
    assert [type(item) for item in items] == [Dropped, Dropped, Record]


def test_a_name_without_the_content_is_refused(importing: Importing) -> None:
    with pytest.raises(TemperError, match="does not begin like a Parquet file"):
        importing.text("a.parquet", b"nonsense")
    with pytest.raises(TemperError, match="is empty"):
        importing.text("a.arrow", b"")


def test_a_table_without_rows_is_an_error(importing: Importing, tmp_path: Path) -> None:
    table = pa.table({"prompt": pa.array([], pa.string()), "completion": pa.array([], pa.string())})
    with pytest.raises(TemperError, match="holds no rows"):
        importing.file(parquet(tmp_path / "a.parquet", table))


def test_progress_ends_near_the_size_of_the_file(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", pa.table({"text": ["t"] * 5000}))
    told: list[int] = []
    list(read_parquet(path, told.append))
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size
