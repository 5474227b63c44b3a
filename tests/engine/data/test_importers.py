"""Readers of formats against what files in the wild look like."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from store.errors import TemperError, UsageError
from store.records.data import Message
from tests.engine.data.conftest import Importing

MAP = {"input": "text", "answer": "category"}


def pairs(importing: Importing) -> list[tuple[int, str, str]]:
    return [(row.line, row.messages[0].content, row.messages[-1].content) for row in importing.rows()]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(importing: Importing, delimiter: str) -> None:
    importing.text(
        "a.csv",
        f"text{delimiter}category\nhello, you{delimiter}a\n".replace("hello, you", '"hello, you"'),
        map=MAP,
    )
    assert pairs(importing) == [(2, "hello, you", "a")]


def test_quotes_line_breaks_and_crlf_in_fields_are_kept_and_lines_counted(importing: Importing) -> None:
    importing.text("a.csv", 'text,category\r\n"one\r\n""two"", three",a\r\nlast,b\r\n', map=MAP)
    assert pairs(importing) == [(2, 'one\r\n"two", three', "a"), (4, "last", "b")]


def test_a_bom_is_no_part_of_the_first_column(importing: Importing) -> None:
    importing.text("a.csv", b"\xef\xbb\xbftext,category\nq,a\n", map=MAP)
    assert pairs(importing) == [(2, "q", "a")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_mark_at_the_beginning_says_the_encoding(importing: Importing, encoding: str) -> None:
    importing.text("a.csv", "text,category\nwört,a\n".encode(encoding), map=MAP)
    assert pairs(importing) == [(2, "wört", "a")]


def test_ragged_rows_are_dropped_with_their_line(importing: Importing) -> None:
    info = importing.text("a.csv", "text,category\nq,a\nonly\n\nq,a,b\n", map=MAP).info
    assert [(drop.line, drop.reason) for drop in info.dropped] == [
        (3, "1 field where the header has 2"),
        (5, "3 fields where the header has 2"),
    ]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('text,category\nq,a\n"never closed,b\nmore,c\n', 3),
        ('text,category\n"closed" then more,b\n', 2),
    ],
)
def test_wrong_quoting_refuses_the_file_with_the_line(importing: Importing, content: str, line: int) -> None:
    with pytest.raises(TemperError, match=f"begins on line {line} has wrong quoting"):
        importing.text("a.csv", content, map=MAP)


def test_a_table_in_another_encoding_is_refused_and_read_once_it_is_named(importing: Importing) -> None:
    content = "text,category\nq,a\ncafé,b\n".encode("cp1252")
    with pytest.raises(TemperError, match="line 3: byte 0xE9") as caught:
        importing.text("a.csv", content, map=MAP)
    assert "--encoding cp1252" in caught.value.remedy
    importing.text("a.csv", content, map=MAP, encoding="cp1252")
    assert pairs(importing)[1] == (3, "café", "b")


def test_utf16_without_a_mark_is_recognised(importing: Importing) -> None:
    with pytest.raises(UsageError, match="every other byte is zero"):
        importing.text("a.csv", "text,category\nq,a\n".encode("utf-16-le"), map=MAP)


def test_an_unknown_encoding_is_a_usage_error(importing: Importing) -> None:
    for name in ("utf-9", "hex"):
        with pytest.raises(UsageError, match="encoding"):
            importing.text("a.csv", "text,category\nq,a\n", map=MAP, encoding=name)


def test_a_header_with_a_name_twice_is_refused(importing: Importing) -> None:
    with pytest.raises(TemperError, match="text stands more than once"):
        importing.text("a.csv", "text,category,text\nq,a,b\n", map=MAP)


def test_a_nul_costs_its_row_only(importing: Importing) -> None:
    info = importing.text("a.csv", "text,category\nq\0,a\nq,a\n", map=MAP).info
    assert [(drop.line, drop.reason) for drop in info.dropped] == [(2, "contains a NUL character")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"prompt": "q", "completion": "a", "completion": "b"}', "the key 'completion' stands twice"),
        (b'{"prompt": "q", "completion": NaN}', "NaN is not JSON"),
        (b'{"prompt": "q", "completion": "\xe9"}', "not UTF-8: byte 0xE9"),
        (b'{"prompt": "q", "completion": "\\ud800"}', "half a character"),
        (b'{"prompt": "q", "completion": "a\\u0000"}', "NUL"),
        (b'{"prompt": "q", "completion": null}', "completion is null"),
        (b'{"prompt": "q", "completion": 3}', "completion is not text but a int"),
        (b'{"prompt": "q", "completion": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"prompt": "q", "completion": ' + b"9" * 10_000 + b"}", "digits"),
        (b'{"prompt": "q"', "not JSON"),
    ],
    ids=[
        "key twice",
        "nan",
        "not utf-8",
        "surrogate",
        "nul",
        "null",
        "number",
        "deep",
        "huge number",
        "cut off",
    ],
)
def test_a_bad_line_costs_that_line_only(importing: Importing, line: bytes, reason: str) -> None:
    good = b'{"prompt": "q", "completion": "a"}\r\n'
    info = importing.text("a.jsonl", good + line + b"\n" + good).info
    assert info.rows_kept == 2
    assert info.dropped[0].line == 2
    assert reason in info.dropped[0].reason


def test_a_json_list_is_streamed_with_the_line_of_each_element(importing: Importing) -> None:
    rows = [{"prompt": f"q{index} " + "x" * 70_000, "completion": "a"} for index in range(4)]
    importing.text("a.json", json.dumps(rows, indent=1))
    assert [row.line for row in importing.rows()] == [2, 6, 10, 14]
    assert importing.rows()[3].messages[0].content == rows[3]["prompt"]


def test_a_list_inside_an_object_is_found(importing: Importing) -> None:
    content = {"version": 1, "data": [{"prompt": "q", "completion": "a"}], "note": "end"}
    importing.text("a.json", json.dumps(content, indent=1))
    assert importing.rows()[0].line == 4


def test_a_single_object_is_one_row(importing: Importing) -> None:
    row = {"id": 1, "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
    importing.text("a.json", json.dumps(row, indent=1))
    assert importing.rows()[0].messages == [Message("user", "q"), Message("assistant", "a")]


@pytest.mark.parametrize(
    "content",
    [
        '[{"prompt": "q", "completion": "a"},',
        '[{"prompt": "q", "completion": "a"}',
        '[{"prompt": "q", "comp',
        "[1 2]",
        "[] []",
    ],
)
def test_a_damaged_json_file_is_refused(importing: Importing, content: str) -> None:
    with pytest.raises(TemperError, match="line 1"):
        importing.text("a.json", content)


def test_damage_deep_in_a_json_file_names_its_line(importing: Importing) -> None:
    rows = ",\n".join('{"prompt": "q", "completion": "a"}' for _ in range(5000))
    with pytest.raises(TemperError, match="line 5001"):
        importing.text("a.json", f"[\n{rows}, oops\n{rows}]")


def test_two_lists_in_an_object_are_refused_since_either_could_be_meant(importing: Importing) -> None:
    row = '[{"prompt": "q", "completion": "a"}]'
    with pytest.raises(UsageError, match="'train' and 'test'"):
        importing.text("a.json", f'{{"train": {row}, "test": {row}}}')


def test_a_picture_named_jsonl_gives_no_rows_and_no_traceback(importing: Importing) -> None:
    with pytest.raises(TemperError, match="can be used"):
        importing.text("a.jsonl", b"\x89PNG\r\n\x1a\n" + bytes(range(1, 256)) * 20)


def test_kinds_of_files_that_are_not_read_are_named(importing: Importing, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a zip archive or an Office file"):
        importing.text("a.xlsx", b"PK\x03\x04rest")
