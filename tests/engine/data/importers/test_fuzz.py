"""Every reader against any bytes and against good files that were damaged: records, drops or a titled error.

TEMPER_FUZZ_EXAMPLES says how many cases each test tries; `@example` keeps what once broke something.
"""

from __future__ import annotations

import gzip
import io
import json
import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.data.importers import Dropped, Record
from engine.data.importers.folders import read_folder
from engine.data.shapes import is_row
from engine.data.source import Source
from store.errors import TemperError

FEW = settings(
    max_examples=int(os.environ.get("TEMPER_FUZZ_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
NAMES = ["x.jsonl", "x.json", "x.csv", "x.tsv", "x.txt", "x.md", "x", "x.parquet", "x.arrow", "x.jsonl.gz"]
ENCODINGS = [
    "",
    "utf-8",
    "utf-16",
    "utf-16-le",
    "utf-32",
    "cp1252",
    "gb18030",
    "shift_jis",
    "utf-7",
    "utf-8-sig",
]
PIECES = [
    b'"', b"'", b",", b";", b"\t", b"|", b"\n", b"\r\n", b"\r", b"\x00", b"{", b"}", b"[", b"]", b":", b"\\",
    b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\x00\x00", b"\xc3\xa9", b"\xe2\x80\xa8",
    b'"a"', b'"prompt"', b"null", b"true", b"1e999", b"-", b"1.", b"2e+", b"NaN", b"Infinity", b"a,b\n",
    b'{"a": "b"}\n', b'[{"a": "b"}', b'{"data": [', b'\\ud800', b'\\u0000', b"sep=;\n", b"# h\n", b"---\n",
    b"+++\n", b"k: v\n", b"```\n", b"PAR1", b"ARROW1\0\0", b"\xff\xff\xff\xff", b"\x1f\x8b", b" " * 200,
]  # fmt: skip
any_bytes = st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=30).map(b"".join)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
damages = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "zero", "repeat"]), st.floats(0, 1), st.integers(0, 255)
    ),
    min_size=1,
    max_size=4,
)


def read(content: bytes, name: str, encoding: str = "") -> list[Record | Dropped] | TemperError:
    """All that a file gives, or the error with its three parts."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            found = list(Source(path, encoding).records(is_row, lambda done, total: None))
        except TemperError as error:
            assert error.title
            assert error.happened
            assert error.remedy
            return error
    for item in found:
        assert item.line >= 1
        if isinstance(item, Dropped):
            assert item.reason
        else:
            assert type(item.value) is dict
            assert _is_json(item.value)
    return found


def _is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, float):
        return not math.isnan(value)
    return value is None or isinstance(value, str | bool | int)


@FEW
@given(content=any_bytes, name=st.sampled_from(NAMES), encoding=st.sampled_from(ENCODINGS))
@example(content=b"[1.", name="x.json", encoding="")
@example(content=b"\xff\xff\xff\xff" * 3, name="x", encoding="")
def test_any_bytes_in_any_encoding(content: bytes, name: str, encoding: str) -> None:
    read(content, name, encoding)


@FEW
@given(content=any_bytes)
def test_any_bytes_within_gzip(content: bytes) -> None:
    plain, packed = read(content, "x.jsonl"), read(gzip.compress(content), "x.jsonl.gz")
    if isinstance(plain, list):
        assert packed == plain


@FEW
@given(
    records=st.lists(st.dictionaries(st.text(max_size=4), json_values, max_size=3), max_size=6),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    ascii=st.booleans(),
)
@example(records=[{}, {"\U000a0000": None}], encoding="utf-32", end="\r", ascii=False)
def test_what_a_json_writer_wrote_comes_back(
    records: list[dict[str, Any]], encoding: str, end: str, ascii: bool
) -> None:
    def written(value: Any) -> str:
        return json.dumps(value, ensure_ascii=ascii)

    try:
        lines = "".join(written(record) + end for record in records).encode(encoding)
        whole = written(records).encode(encoding)
    except UnicodeEncodeError:
        return
    for content, name in ((lines, "x.jsonl"), (whole, "x.json")):
        found = read(content, name)
        assert isinstance(found, list)
        assert [item.value for item in found if isinstance(item, Record)] == records


def table(rows: int) -> pa.Table:
    turns = [
        [{"role": "user", "content": f"q{index} é"}, {"role": "assistant", "content": "a" * index}]
        for index in range(rows)
    ]
    return pa.table(
        {
            "messages": turns,
            "n": pa.array(range(rows), pa.int32()),
            "kind": pa.array(["x", "y"] * (rows // 2)).dictionary_encode(),
            "m": pa.array([[("k", 1)]] * rows, pa.map_(pa.string(), pa.int8())),
            "t": pa.array(range(rows), pa.timestamp("ns")),
            "s": pa.array(["text", None] * (rows // 2), pa.large_string()),
        }
    )


def as_parquet(compression: str) -> bytes:
    target = io.BytesIO()
    pq.write_table(table(20), target, compression=compression, row_group_size=8, data_page_version="2.0")
    return target.getvalue()


def as_arrow(made: Callable[..., Any], compression: str | None) -> bytes:
    target = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with made(target, table(20).schema, options=options) as writer:
        writer.write_table(table(20), max_chunksize=8)
    return target.getvalue()


GOOD = {
    "parquet": as_parquet("none"),
    "parquet, zstd": as_parquet("zstd"),
    "arrow file": as_arrow(pa.ipc.new_file, None),
    "arrow file, lz4": as_arrow(pa.ipc.new_file, "lz4"),
    "arrow stream": as_arrow(pa.ipc.new_stream, None),
    "arrow stream, zstd": as_arrow(pa.ipc.new_stream, "zstd"),
}


def damaged(content: bytes, steps: list[tuple[str, float, int]]) -> bytes:
    for step, where, byte in steps:
        at = int(where * max(len(content) - 1, 0))
        if step == "flip":
            content = content[:at] + bytes([content[at] ^ byte]) + content[at + 1 :] if content else content
        elif step == "cut":
            content = content[:at]
        elif step == "insert":
            content = content[:at] + bytes([byte]) + content[at:]
        elif step == "zero":
            content = content[:at] + bytes(len(content[at : at + byte])) + content[at + byte :]
        else:
            content = content[:at] + content[max(at - byte, 0) :]
    return content


@FEW
@given(which=st.sampled_from(sorted(GOOD)), steps=damages)
def test_a_damaged_table_gives_rows_drops_or_an_error(
    which: str, steps: list[tuple[str, float, int]]
) -> None:
    read(damaged(GOOD[which], steps), "x.table")


@pytest.mark.parametrize("which", sorted(GOOD))
def test_an_undamaged_table_gives_all_its_rows(which: str) -> None:
    found = read(GOOD[which], "x.table")
    assert isinstance(found, list)
    assert [item.value["n"] for item in found if isinstance(item, Record)] == list(range(20))


@FEW
@given(
    state=json_values | st.dictionaries(st.sampled_from(["_data_files", "_split", "splits"]), json_values),
    at=st.sampled_from(["state.json", "dataset_dict.json"]),
)
def test_any_state_of_a_saved_dataset(state: Any, at: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / at).write_text(json.dumps(state), encoding="utf-8")
        with pytest.raises(TemperError):
            list(Source(Path(folder)).records(is_row, lambda done, total: None))


@FEW
@given(card=any_bytes)
def test_any_card_of_a_hub_folder(card: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "README.md").write_bytes(b"---\n" + card)
        (Path(folder) / "a.jsonl").write_bytes(b"{}\n")
        try:
            assert [part.name for part in read_folder(Path(folder)).parts] == ["a.jsonl"]
        except TemperError as error:
            assert error.remedy
