"""What the knowledge screen is made of, without a screen: stretches of documents, passages as lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.tui.chunk_lines import lay
from app.tui.library import stretches
from store.records.knowledge import Chunk
from tests.app.tui.knowledge_stage import RECOVERY, cut, passages

SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), min_size=1, max_size=8)


def in_order(text: str, spans: list[tuple[int, int]]) -> list[Chunk]:
    """Passages at these starts, of these lengths, as far as the text goes."""
    ends = [(start, min(len(text), start + length)) for start, length in spans]
    return cut("a.md", text, *sorted(ends))


@given(SPANS)
def test_stretches_give_back_the_text_of_the_passages(spans: list[tuple[int, int]]) -> None:
    text = "".join(chr(97 + at % 26) for at in range(100))
    chunks = in_order(text, spans)
    shown = {at: letter for one in stretches(chunks) for at, letter in enumerate(one.text, one.start)}
    held = {at for chunk in chunks for at in range(chunk.start, chunk.end)}
    assert shown == {at: text[at] for at in held}


@given(SPANS)
def test_each_stretch_says_which_passages_hold_it(spans: list[tuple[int, int]]) -> None:
    chunks = in_order("x" * 100, spans)
    for one in stretches(chunks):
        holding = [at for at, chunk in enumerate(chunks) if chunk.start <= one.start < chunk.end]
        assert list(one.passages) == holding


def test_lines_hold_the_words_of_the_document_in_order() -> None:
    chunks = [chunk for chunk in passages() if chunk.doc == "knowledge/recovery.md"]
    page = lay(chunks, 30)
    words = " ".join("".join(piece.text for piece in line.pieces) for line in page.lines).split()
    assert words == RECOVERY.split()
    assert all(sum(len(piece.text) for piece in line.pieces) <= 30 for line in page.lines)


def test_the_line_in_which_a_passage_begins_is_known() -> None:
    chunks = [chunk for chunk in passages() if chunk.doc == "knowledge/recovery.md"]
    page = lay(chunks, 30)
    first_words = ["".join(piece.text for piece in page.lines[top].pieces) for top in page.tops]
    assert first_words[0].startswith("# Lost phone")
    assert "Nothing" in first_words[1] + "".join(piece.text for piece in page.lines[page.tops[1] + 1].pieces)
    assert first_words[2].startswith("## A new phone")


def test_text_that_two_passages_hold_is_known_as_such() -> None:
    chunks = [chunk for chunk in passages() if chunk.doc == "knowledge/recovery.md"]
    page = lay(chunks, 200)
    pieces = [piece for line in page.lines for piece in line.pieces]
    shared = "".join(piece.text for piece in pieces if page.passages[piece.look] == (0, 1))
    assert shared == "Nothing can be sent from a frozen wallet."
