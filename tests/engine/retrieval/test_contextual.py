"""A line of context per passage: asked for once, searched with the passage, never part of its text."""

from __future__ import annotations

import pytest

from engine.retrieval.contextual import LONGEST_LINE, first_line
from engine.retrieval.indexing import Built, IndexSettings, build_index
from engine.retrieval.readers import find_files
from engine.retrieval.search import open_searcher
from store import knowledge
from tests.engine.retrieval.conftest import Library


class Writer:
    """Answers what its place in the queue is, and remembers what it was asked; breaks when told to."""

    model_sha256 = "ab" * 32

    def __init__(self, breaks_at: int = -1) -> None:
        self.asked: list[str] = []
        self._breaks_at = breaks_at

    def write(self, prompt: str) -> str:
        if len(self.asked) == self._breaks_at:
            raise InterruptedError
        self.asked.append(prompt)
        return "\n  About zebras \n\nand more." if "gas to the network" in prompt else "About something else."


def build(library: Library, writer: Writer) -> Built:
    files = find_files([library.folder], library.workspace.root)
    with knowledge.publishing(library.paths, "docs", "a test"):
        settings = IndexSettings(embedder_path="builtin:minilm")
        return build_index(library.paths, "docs", files, library.embedder, settings, writer=writer)


def test_a_line_is_searched_with_its_passage_and_is_no_part_of_it(unbuilt: Library) -> None:
    writer = Writer()
    build(unbuilt, writer)
    assert len(writer.asked) == 3
    searcher = open_searcher(unbuilt.workspace, "docs")
    (hit,) = searcher.search("zebras", 1).hits
    searcher.close()
    assert hit.doc == "knowledge/fees.md"
    assert "zebras" not in hit.text
    text = (unbuilt.folder / "fees.md").read_text(encoding="utf-8")
    assert text[hit.start : hit.end] == hit.text


def test_only_new_passages_are_asked_about(unbuilt: Library) -> None:
    build(unbuilt, Writer())
    unbuilt.write(extra="Something new.")
    writer = Writer()
    built = build(unbuilt, writer)
    assert (len(writer.asked), built.embedded, built.reused) == (1, 1, 3)


def test_lines_written_before_a_stop_are_not_asked_for_again(unbuilt: Library) -> None:
    first = Writer(breaks_at=2)
    with pytest.raises(InterruptedError):
        build(unbuilt, first)
    second = Writer()
    build(unbuilt, second)
    assert (len(first.asked), len(second.asked)) == (2, 1)


def test_a_line_is_one_and_not_too_long() -> None:
    assert first_line("\n \n A   line.\nAnother.") == "A line."
    assert len(first_line("x" * 1000)) == LONGEST_LINE
    assert first_line(" \n") == ""
