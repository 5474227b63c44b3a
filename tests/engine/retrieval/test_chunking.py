"""Passages: exact spans, whole blocks, headings with what they head."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.retrieval.blocks import markdown_blocks
from engine.retrieval.chunking import LONGEST_TOKEN, chunk_document, searched_text
from engine.retrieval.readers import Document, Kind

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


def count(text: str) -> int:
    """One token per word."""
    return len(text.split())


def texts(text: str, most: int, kind: Kind = "markdown") -> list[str]:
    return [chunk.text for chunk in chunk_document(Document("d.md", text, kind), most, count)]


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
    chunks = chunk_document(Document("d.md", text, "markdown"), 8, count)
    assert [(chunk.title, chunk.headings) for chunk in chunks] == [
        ("Guide", ""),
        ("Guide", "Guide"),
        ("Guide", "Guide > Install > Linux"),
        ("Guide", "Guide"),
    ]
    assert searched_text(chunks[2]).startswith("Guide\nGuide > Install > Linux\neight nine")
    assert searched_text(chunks[0]) == chunks[0].text


def test_a_heading_further_down_is_not_the_title() -> None:
    chunks = chunk_document(Document("d.md", "Opening.\n\n## Later\n\nMore.\n", "markdown"), 50, count)
    assert chunks[0].title == ""


def test_the_title_of_the_front_matter_wins() -> None:
    document = Document("d.md", "# Heading\n\nText.", "markdown", title="Given")
    assert chunk_document(document, 50, count)[0].title == "Given"


def test_what_is_searched_decides_the_hash() -> None:
    one, same, other = (
        chunk_document(Document(name, "Text.", "text", title=title), 50, count)[0].sha256
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


@settings(deadline=None, max_examples=60)
@given(st.lists(LINES, max_size=30).map("\n".join), st.integers(1, 20), st.sampled_from(["markdown", "text"]))
def test_passages_are_exact_spans_that_hold_all_text(text: str, most: int, kind: Kind) -> None:
    chunks = chunk_document(Document("d.md", text, kind), most, count)
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert all(a.end <= b.start for a, b in pairwise(chunks))
    assert "".join("".join(chunk.text for chunk in chunks).split()) == "".join(text.split())
    assert all(count(chunk.text) <= most for chunk in chunks)
    assert len({chunk.id for chunk in chunks}) == len(chunks)
