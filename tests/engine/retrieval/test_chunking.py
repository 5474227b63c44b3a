"""Passages: exact spans, whole blocks, headings with what they head."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.retrieval.blocks import Block, markdown_blocks
from engine.retrieval.chunking import chunks, searched_text
from engine.retrieval.chunking.semantic import group
from engine.retrieval.chunking.settings import ChunkSettings
from engine.retrieval.chunking.splitting import LONGEST_TOKEN, Span
from engine.retrieval.document import Document, Kind
from store.records.knowledge import Chunk
from store.records.workspace import Chunker

GUIDE = """# Guide

Opening words.

## Install

Do this:

- first step
  with a second line

  and a second paragraph
- second step

```sh
# not a heading

run it
```

Title of a kind
---------------
The end.
"""


class Words:
    """A measure without a model: a token per word, a vector per first letter."""

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        vectors = np.zeros((len(texts), 26), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row, ord(text.strip()[:1].lower() or "a") % 26] = 1.0
        return vectors


def cut(document: Document, most: int, chunker: Chunker = "structure", overlap: int = 0) -> list[Chunk]:
    return chunks(document, ChunkSettings(chunker, most, overlap), Words())


def texts(
    text: str, most: int, kind: Kind = "markdown", chunker: Chunker = "structure", overlap: int = 0
) -> list[str]:
    return [chunk.text for chunk in cut(Document("d.md", text, kind), most, chunker, overlap)]


def test_blocks_are_what_belongs_together() -> None:
    assert [(block.kind, GUIDE[block.start : block.end]) for block in markdown_blocks(GUIDE)] == [
        ("heading", "# Guide"),
        ("paragraph", "Opening words."),
        ("heading", "## Install"),
        ("paragraph", "Do this:"),
        ("item", "- first step\n  with a second line\n\n  and a second paragraph"),
        ("item", "- second step"),
        ("code", "```sh\n# not a heading\n\nrun it\n```"),
        ("heading", "Title of a kind\n---------------"),
        ("paragraph", "The end."),
    ]


def test_a_short_document_is_one_passage() -> None:
    assert texts("Just this.", 50) == ["Just this."]


def test_a_heading_goes_with_what_it_heads() -> None:
    assert texts("# A\n\none two three\n\n# B\n\nfour five six\n", 6) == [
        "# A\n\none two three",
        "# B\n\nfour five six",
    ]


def test_small_sections_share_a_passage_until_it_is_a_quarter_full() -> None:
    text = "# A\n\none\n\n# B\n\ntwo\n\n# C\n\nthree\n"
    assert texts(text, 40) == [text.strip()]
    assert len(texts(text, 8)) == 3


def test_code_is_kept_whole_where_it_fits() -> None:
    code = "```\na b\n\nc d\n```"
    assert texts(f"one two three four\n\n{code}\n\nfive", 7) == ["one two three four", f"{code}\n\nfive"]


def test_a_long_paragraph_is_split_at_sentences() -> None:
    assert texts("One two three. Four five six. Seven eight nine.", 6) == [
        "One two three. Four five six.",
        "Seven eight nine.",
    ]


def test_a_sentence_without_end_is_split_at_words() -> None:
    assert texts("a b c d e f g", 3) == ["a b c", "d e f", "g"]


def test_a_word_without_end_is_split_although_it_counts_as_one_token() -> None:
    parts = texts("x" * 100, 3, "text")
    assert "".join(parts) == "x" * 100
    assert max(map(len, parts)) <= 3 * LONGEST_TOKEN


def test_a_passage_knows_title_and_the_headings_above_it() -> None:
    text = "# Guide\n\none two three\n\n## Install\n\n### Linux\n\nfour five six seven\n\n"
    text += "eight nine\n\n## Use\n\nten\n"
    found = cut(Document("d.md", text, "markdown"), 8)
    assert [(chunk.title, chunk.headings) for chunk in found] == [
        ("Guide", ""),
        ("Guide", "Guide"),
        ("Guide", "Guide > Install > Linux"),
        ("Guide", "Guide"),
    ]
    assert searched_text(found[2]).startswith("Guide\nGuide > Install > Linux\neight nine")
    assert searched_text(found[0]) == found[0].text


def test_a_heading_further_down_is_not_the_title() -> None:
    found = cut(Document("d.md", "Opening.\n\n## Later\n\nMore.\n", "markdown"), 50)
    assert found[0].title == ""


def test_a_title_may_stand_below_a_note_but_not_far_down() -> None:
    note, text = "A note.\n\n", "More.\n\n"
    near = cut(Document("d.md", f"{note}# Title\n\n{text}", "markdown"), 50)
    far = cut(Document("d.md", f"{note}{text * 10}# Part\n\n{text}", "markdown"), 50)
    assert (near[0].title, far[0].title) == ("Title", "")


def test_the_title_of_the_front_matter_wins() -> None:
    document = Document("d.md", "# Heading\n\nText.", "markdown", title="Given")
    assert cut(document, 50)[0].title == "Given"


def test_what_is_searched_decides_the_hash() -> None:
    one, same, other = (
        cut(Document(name, "Text.", "text", title=title), 50)[0].sha256
        for name, title in (("a.txt", "T"), ("b.txt", "T"), ("a.txt", "U"))
    )
    assert one == same != other


TEXT_LINES = [
    "  more",
    "word " * 9,
    "A sentence. Another one!",
    "x" * 60,
    "\tindented",
    "ünï cödé ☂",
    "crlf\r",
]
MARK_LINES = ["# Heading", "## Deeper", "- item", "1. first", "```", "~~~", "---", "| a | b |", "", ""]
LINES = st.sampled_from(TEXT_LINES + MARK_LINES)


MARKDOWN = st.lists(LINES, max_size=30).map("\n".join)
CHUNKERS: list[Chunker] = ["structure", "recursive", "sentences", "semantic"]


@settings(deadline=None, max_examples=150)
@given(
    MARKDOWN | st.text(max_size=200),
    st.integers(1, 20),
    st.sampled_from(["markdown", "text"]),
    st.sampled_from(CHUNKERS),
    st.integers(0, 12),
)
def test_passages_are_exact_spans_that_hold_all_text(
    text: str, most: int, kind: Kind, chunker: Chunker, overlap: int
) -> None:
    found = cut(Document("d.md", text, kind), most, chunker, overlap)
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in found)
    assert all(a.start < b.start and a.end < b.end for a, b in pairwise(found))
    held = {at for chunk in found for at in range(chunk.start, chunk.end)}
    assert all(character.isspace() for at, character in enumerate(text) if at not in held)
    assert all(Words().count_tokens(chunk.text) <= most for chunk in found)
    assert len({chunk.id for chunk in found}) == len(found)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(LINES, max_size=30).map("\n".join),
    st.integers(1, 20),
    st.sampled_from(["structure", "semantic"]),
)
def test_without_overlap_no_text_stands_in_two_passages(text: str, most: int, chunker: Chunker) -> None:
    assert all(a.end <= b.start for a, b in pairwise(cut(Document("d.md", text, "markdown"), most, chunker)))


def test_windows_of_sentences_share_sentences() -> None:
    text = "One two. Three four. Five six. Seven eight."
    assert texts(text, 4, "text", "sentences", 2) == [
        "One two. Three four.",
        "Three four. Five six.",
        "Five six. Seven eight.",
    ]


def test_a_closing_quote_stays_with_its_sentence() -> None:
    text = 'He said "go." Then he left.'
    assert texts(text, 3, "text", "sentences", 1) == ['He said "go."', "Then he left."]


def test_recursive_passages_overlap_as_asked_for() -> None:
    assert texts("a b c d e f", 4, "text", "recursive", 2) == ["a b c d", "c d e f"]
    assert texts("a b c d e f", 4, "text", "recursive") == ["a b c d", "e f"]


def test_meaning_decides_where_semantic_passages_end() -> None:
    found = texts("apple ant.\n\navocado axe.\n\nball bear.\n\nbone bat.", 6, "text", "semantic")
    assert found == ["apple ant.\n\navocado axe.", "ball bear.\n\nbone bat."]


def test_the_grouping_is_the_best_of_all() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(7, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pieces = [Span(at, at + 1, 1) for at in range(7)]
    similar = vectors @ vectors.T
    usual = float((similar.sum() - 7) / 42)

    def worth(cuts: list[tuple[int, int]]) -> float:
        return sum(
            float(similar[i, j]) - usual
            for first, last in cuts
            for i in range(first, last + 1)
            for j in range(first, last + 1)
            if i != j
        )

    every = []
    for mask in range(2**6):
        ends = [at for at in range(6) if mask >> at & 1] + [6]
        cuts = list(zip([0, *(end + 1 for end in ends[:-1])], ends, strict=True))
        if all(last - first < 3 for first, last in cuts):
            every.append(cuts)
    assert worth(group(pieces, vectors, 3)) == pytest.approx(max(map(worth, every)), abs=1e-5)


def test_a_row_of_data_stands_alone() -> None:
    blocks = [Block("row", 0, 3), Block("row", 5, 8)]
    found = cut(Document("d.csv", "a b\n\nc d", "rows", blocks=blocks), 50)
    assert [chunk.text for chunk in found] == ["a b", "c d"]


def test_a_table_of_a_text_is_one_block() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |"
    assert texts(f"one two three\n\n{table}\n\nfour", 13) == ["one two three", f"{table}\n\nfour"]
