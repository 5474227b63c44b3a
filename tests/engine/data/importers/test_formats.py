"""The format of a file: content first, name second, the user's word before both."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.data.importers import jsonl
from engine.data.source import Source
from store.errors import MissingError, TemperError, UsageError
from tests.engine.data.conftest import Importing

ROW = '{"prompt": "q", "completion": "a"}\n'


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("notes", "Just some words.\nAnd, then, more.\n", "text"),
        ("table", "a,b\n1,2\n", "csv"),
        ("a.md", "# Title\n", "markdown"),
        ("a.rst", "Title\n=====\n", "text"),
        ("a.txt", "[\n " + ROW + "]", "json"),
        ("a.txt", "[1] a footnote\n", "text"),
        ("a.log", "2026-01-01 started\n", "text"),
        ("a.jsonl.gz", ROW, "jsonl"),
        ("a.parquet", "", "damaged"),
    ],
)
def test_content_and_name_say_the_format(tmp_path: Path, name: str, content: str, expected: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    if expected == "damaged":
        with pytest.raises(TemperError, match="is damaged"):
            Source(path)
    else:
        assert Source(path).format == expected


def test_a_parquet_file_under_any_name_is_one(importing: Importing, tmp_path: Path) -> None:
    pq.write_table(pa.table({"prompt": ["q"], "completion": ["a"]}), tmp_path / "a.jsonl")
    assert importing.file(tmp_path / "a.jsonl").info.rows_kept == 1


def test_the_users_word_comes_first(importing: Importing) -> None:
    assert importing.text("a.dat", ROW, format="text").info.kind == "text"
    importing.text("b.dat", "prompt\tcompletion\na, b, c\td, e, f\n", format="tsv")
    assert importing.rows()[0].messages[0].content == "a, b, c"


def test_an_unknown_format_and_a_wrong_one_are_usage_errors(importing: Importing, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No format is called 'xlsx'"):
        importing.text("a.jsonl", ROW, format="xlsx")
    pq.write_table(pa.table({"prompt": ["q"]}), tmp_path / "a.dat")
    with pytest.raises(UsageError, match="holds parquet"):
        importing.file(tmp_path / "a.dat", format="csv")
    with pytest.raises(TemperError, match="does not begin like a Parquet file"):
        importing.text("b.jsonl", ROW, format="parquet")


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"PK\x03\x04", "a zip archive"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\x80\x04\x95", "pickle"),
        (b"SQLite format 3\x00", "SQLite"),
    ],
)
def test_files_of_other_programs_are_named(importing: Importing, start: bytes, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        importing.text("a.jsonl", start + b"rest")


def test_gzip_is_unpacked_while_it_is_read(importing: Importing) -> None:
    info = importing.text("a.jsonl.gz", gzip.compress(ROW.encode() * 3)).info
    assert info.rows_kept == 3
    assert importing.text("a.csv.gz", gzip.compress(b"prompt,completion\nq,a\n")).info.rows_kept == 1


def test_damaged_and_doubly_packed_gzip_is_refused(importing: Importing, tmp_path: Path) -> None:
    rows = b"".join(ROW.replace("q", os.urandom(9).hex()).encode() for _ in range(5000))
    packed = gzip.compress(rows)
    for broken in (packed[:-20], packed[:50_000] + b"\0\0\0" + packed[50_003:]):
        with pytest.raises(TemperError, match="compressed file is damaged"):
            importing.text("a.jsonl.gz", broken)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("a.jsonl"))
    with pytest.raises(UsageError, match="a tar archive"):
        importing.text("a.tar.gz", archive.getvalue())
    pq.write_table(pa.table({"prompt": ["q"]}), tmp_path / "a.parquet")
    with pytest.raises(UsageError, match="parquet within gzip"):
        importing.text("a.parquet.gz", gzip.compress((tmp_path / "a.parquet").read_bytes()))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.md"])
def test_a_mark_says_the_encoding_of_every_format(importing: Importing, encoding: str, name: str) -> None:
    text = {
        "a.jsonl": ROW.replace("q", "wört") * 2,
        "a.json": f"[{ROW.replace('q', 'wört')}]",
        "a.csv": "prompt,completion\nwört,a\n",
        "a.md": "wört\n",
    }[name]
    importing.text(name, text.encode(encoding))
    row = importing.rows()[0]
    assert (row.text or row.messages[0].content) == "wört"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_utf16_without_a_mark_asks_for_its_very_name(importing: Importing, encoding: str) -> None:
    with pytest.raises(UsageError) as caught:
        importing.text("a.jsonl", ROW.encode(encoding))
    assert encoding in caught.value.remedy
    assert importing.text("a.jsonl", ROW.encode(encoding), encoding=encoding).info.rows_kept == 1


def test_zeros_that_a_crash_left_behind_are_one_bad_line(importing: Importing) -> None:
    info = importing.text("a.jsonl", ROW.encode() + bytes(100_000)).info
    assert (info.rows_kept, [drop.line for drop in info.dropped]) == (1, [2])


def test_text_that_ends_within_a_character_is_refused(importing: Importing) -> None:
    with pytest.raises(TemperError, match="The file is not utf-16"):
        importing.text("a.jsonl", (ROW * 3).encode("utf-16")[:-1])


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_every_kind_of_line_end_is_counted(importing: Importing, end: str, encoding: str) -> None:
    importing.text("a.jsonl", (ROW.strip() + end).encode(encoding) * 1 + b"")
    content = (end.join([ROW.strip(), "", ROW.strip()]) + end).encode(encoding)
    importing.text("a.jsonl", content)
    assert [row.line for row in importing.rows()] == [1, 3]
    importing.text("a.csv", f"prompt,completion{end}q,a{end}r,b{end}".encode(encoding))
    assert [row.line for row in importing.rows()] == [2, 3]
    importing.text("a.json", f"[{end}{ROW.strip()},{end}{ROW.strip()}]".encode(encoding))
    assert [row.line for row in importing.rows()] == [2, 3]


def test_marks_between_joined_files_are_no_damage(importing: Importing) -> None:
    part = b"\xef\xbb\xbf" + ROW.encode()
    assert importing.text("a.jsonl", part * 3).info.rows_kept == 3


def test_a_line_past_all_measure_is_dropped_and_never_held(
    importing: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl, "LONGEST", 1 << 20)
    for encoding in ("utf-8", "utf-16"):
        content = (ROW + "x" * (5 << 20) + "\n" + ROW).encode(encoding)
        info = importing.text("a.jsonl", content).info
        assert [(drop.line, drop.reason) for drop in info.dropped] == [(2, "longer than 1 MiB")]
        assert [row.line for row in importing.rows()] == [1, 3]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.txt", "a.md", "a"])
@pytest.mark.parametrize("content", ["", " \n\t\r\n  ", "\ufeff"])
def test_nothing_is_nothing_in_every_format(importing: Importing, name: str, content: str) -> None:
    with pytest.raises(TemperError, match="holds no rows"):
        importing.text(name, content)


def test_a_line_that_says_the_delimiter_is_no_header(importing: Importing) -> None:
    importing.text("a.csv", "sep=;\r\nprompt;completion\r\nq;a,b\r\n")
    assert [(row.line, row.messages[1].content) for row in importing.rows()] == [(3, "a,b")]


def test_devices_and_closed_files_are_refused(importing: Importing, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a pipe, a socket or a device"):
        importing.file(Path("/dev/null"))
    with pytest.raises(MissingError):
        importing.file(tmp_path / "gone" / "a.jsonl")
