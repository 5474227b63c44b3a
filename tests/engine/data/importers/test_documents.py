"""Plain text and Markdown: one row per document, long ones divided where a reader would."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.importers import Dropped, Record
from engine.data.importers.documents import LONGEST, front_matter_end, read_document
from tests.engine.data.conftest import Importing


def pieces(text: str, *, markdown: bool = False) -> list[tuple[int, str]]:
    found: list[Any] = list(read_document(io.StringIO(text, newline=None), markdown))
    assert all(isinstance(item, Record) for item in found)
    return [(item.line, item.value["text"]) for item in found]


def test_a_short_document_is_one_row_of_kind_text(importing: Importing) -> None:
    info = importing.text("a.txt", "\n\n  Once, in a wood.\n\nThe end.\n").info
    (row,) = importing.rows()
    assert (info.kind, row.line, row.text) == ("text", 3, "  Once, in a wood.\n\nThe end.")


def test_front_matter_is_no_part_of_the_text() -> None:
    text = "---\ntitle: A\ntags:\n  - b\n---\n\n# Heading\n\nBody\n"
    assert pieces(text, markdown=True) == [(7, "# Heading\n\nBody")]
    assert pieces('+++\ntitle = "A"\n+++\nBody\n', markdown=True) == [(4, "Body")]


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nA rule begins this page\n---\n",
        "---\ntitle: never closed\n",
        "--- dashes\na: b\n---\n",
        "a: b\n---\n",
    ],
)
def test_what_is_no_front_matter_stays(text: str) -> None:
    assert front_matter_end(text) == 0


def test_plain_text_has_no_front_matter() -> None:
    assert pieces("---\na: b\n---\ntext")[0][1].startswith("---")


def test_a_long_document_is_divided_at_paragraphs_with_the_line_of_each() -> None:
    paragraph = "word " * 1000
    text = "\n\n".join(f"{index} {paragraph}" for index in range(20))
    found = pieces(text)
    assert all(len(piece) <= LONGEST for _, piece in found)
    assert "\n\n".join(piece for _, piece in found).split() == text.split()
    lines = text.split("\n")
    assert all(lines[line - 1].startswith(piece.split(" ")[0] + " ") for line, piece in found)
    assert all(piece.rstrip().endswith("word") for _, piece in found)


def test_markdown_is_divided_before_headings_but_not_within_code() -> None:
    section = "text\n\n" * 2000
    code = "```\n# a comment, no heading\n\n```\n"
    text = "".join(f"# Part {index}\n\n{section}{code}" for index in range(6))
    found = pieces(text, markdown=True)
    assert len(found) > 1
    assert all(piece.startswith("# Part") for _, piece in found)


def test_text_without_any_break_is_divided_all_the_same() -> None:
    assert [len(piece) for _, piece in pieces("x" * (2 * LONGEST + 5))] == [LONGEST, LONGEST, 5]
    assert all(piece.endswith("end.") for _, piece in pieces("A sentence has an end. " * 5000))


@given(
    parts=st.lists(
        st.sampled_from(["word ", "\n", "\n\n", "# h\n", "```\n", "x" * 9000, "end. ", "\u2028", "\x0b"]),
        max_size=60,
    ),
    markdown=st.booleans(),
)
def test_no_letter_is_lost_or_doubled(parts: list[str], markdown: bool) -> None:
    text = "".join(parts)
    found = pieces(text, markdown=markdown)
    assert "".join("".join(piece.split()) for _, piece in found) == "".join(text.split())
    assert all(0 < len(piece) <= LONGEST for _, piece in found)
    lines = text.split("\n")
    assert all(piece.split("\n")[0] in lines[line - 1] for line, piece in found)


def test_bytes_that_are_not_utf8_drop_their_piece_and_say_what_to_do(importing: Importing) -> None:
    (item,) = read_document(io.StringIO("caf\udce9"), markdown=False)
    assert item == Dropped(1, "not UTF-8: byte 0xE9")
    importing.text("a.txt", "café".encode("cp1252"), encoding="cp1252")
    assert importing.rows()[0].text == "café"


def test_a_text_that_is_a_table_or_json_is_read_as_such(importing: Importing) -> None:
    info = importing.text("a.txt", "prompt\tcompletion\nq\ta\n").info
    assert (info.shape, info.rows_kept) == ("prompt_completion", 1)
    info = importing.text("b.txt", '{"prompt": "q", "completion": "a"}\n').info
    assert info.shape == "prompt_completion"
    assert importing.text("c.txt", "[Scene 1] A, B\nC, D\n").info.kind == "text"
