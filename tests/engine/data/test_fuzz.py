"""Whatever bytes a file holds: a version whose report adds up, or a titled error. Never a traceback.

TEMPER_FUZZ_EXAMPLES says how many cases each test tries. Readers alone: importers/test_fuzz.py.
"""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.importing import import_dataset
from store import datasets
from store.errors import TemperError
from store.paths import WorkspacePaths
from store.records.data import DatasetInfo, Example, ImportOptions

FEW = settings(max_examples=int(os.environ.get("TEMPER_FUZZ_EXAMPLES", "40")))
MAP = {"input": "a", "answer": "b"}
cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
pieces = st.sampled_from(
    [
        b'"',
        b",",
        b"\n",
        b"\r\n",
        b"\r",
        b"\x00",
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b"\\",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b'"a"',
        b'"b"',
        b'"prompt"',
        b'"completion"',
        b'"messages"',
        b"null",
        b"1e999",
        b"NaN",
        b"a,b\n",
        b"q,x\n",
    ]
)


def imported(name: str, content: bytes, options: ImportOptions) -> tuple[DatasetInfo, list[Example]] | None:
    """The version and its rows, or None where it was refused with a title, a cause and a remedy."""
    with tempfile.TemporaryDirectory() as folder:
        paths, path = WorkspacePaths(Path(folder)), Path(folder) / name
        path.write_bytes(content)
        try:
            info = import_dataset(paths, path, "d", options).info
        except TemperError as error:
            assert error.title
            assert error.happened
            assert error.remedy
            assert datasets.versions(paths, "d") == []
            return None
        return info, datasets.read_rows(paths, "d/all")


@FEW
@given(
    parts=st.lists(pieces | st.binary(max_size=6), max_size=20),
    name=st.sampled_from(["x.jsonl", "x.json", "x.csv", "x", "x.txt", "x.md"]),
)
def test_any_bytes_give_a_true_report_or_a_titled_error(parts: list[bytes], name: str) -> None:
    for options in (ImportOptions(), ImportOptions(map=MAP)):
        result = imported(name, b"".join(parts), options)
        if result is not None:
            info, rows = result
            assert info.rows_in == info.rows_kept + len(info.dropped)
            assert info.rows_kept == len(rows) == sum(info.splits.values())


@FEW
@given(rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=15), delimiter=st.sampled_from(",;\t|"))
def test_what_a_csv_writer_wrote_comes_back_as_it_was(rows: list[tuple[str, str]], delimiter: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    result = imported("x.csv", text.getvalue().encode(), ImportOptions(map=MAP))
    kept = [(question, answer) for question, answer in rows if question.strip() and answer.strip()]
    found = [(row.messages[0].content, row.messages[1].content) for row in result[1]] if result else []
    assert found == kept


@FEW
@given(
    records=st.lists(
        st.dictionaries(st.sampled_from(["prompt", "completion"]), json_values), min_size=1, max_size=8
    )
)
def test_json_and_jsonl_hold_the_same_rows(records: list[dict[str, object]]) -> None:
    def texts(name: str, content: str) -> list[list[str]]:
        result = imported(name, content.encode(), ImportOptions(shape="prompt_completion"))
        return [[turn.content for turn in row.messages] for row in result[1]] if result else []

    expected = [
        [record["prompt"], record["completion"]]
        for record in records
        if all(
            isinstance(record.get(key), str) and str(record[key]).strip() for key in ("prompt", "completion")
        )
        and not any(
            "\0" in str(value) or (not str(value).isprintable() and _surrogate(value))
            for value in record.values()
        )
    ]
    assert texts("x.jsonl", "\n".join(json.dumps(record) for record in records)) == expected
    assert texts("x.json", json.dumps(records, indent=1)) == expected


def _surrogate(value: object) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in str(value))
