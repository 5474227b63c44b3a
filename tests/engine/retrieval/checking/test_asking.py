"""Questions through every stage of a real knowledge base."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.inference.embedder import Embedder
from engine.retrieval.checking.asking import LAST, STAGES, ask_all, figures, latencies
from engine.retrieval.checking.expecting import resolve
from engine.retrieval.opened import Opened
from engine.retrieval.stages import Tools
from store import knowledge
from store.records.kb_check import Question
from store.records.workspace import Search
from tests.engine.retrieval.conftest import Library

QUESTIONS = [
    Question("When can I come by?", ["opening.txt"]),
    Question("What does a transfer pay?", quotes=["counted in gwei"]),
    Question("Where is the car park?", ["parking.md"]),
]


@pytest.fixture(scope="module")
def opened(shelf: Library) -> Iterator[Opened]:
    found = Opened(knowledge.open_generation(shelf.paths, "docs"))
    yield found
    found.close()


def test_each_question_is_measured_at_each_stage(opened: Opened, embedder: Embedder) -> None:
    known, unresolved = resolve(QUESTIONS, {one.name: one.text for one in opened.documents})
    told: list[tuple[int, int]] = []
    asked = ask_all(opened, known, 2, Search(), Tools(embedder), lambda *done: told.append(done))
    assert [one.question for one in unresolved] == ["Where is the car park?"]
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert {stage: len(rows) for stage, rows in asked.scores.items()} == dict.fromkeys(STAGES, 2)
    assert [row["mrr"] for row in asked.scores[LAST]] == [1.0, 1.0]
    assert asked.scores[LAST][1]["token_recall"] == 1.0
    assert "token_recall" not in asked.scores[LAST][0]
    assert latencies(asked)[LAST].n == 2
    last = figures(asked)[-1]
    assert (last.stage, last.figures["mrr"].mean, last.figures["token_recall"].n) == (LAST, 1.0, 1)


def test_no_question_gives_no_figure(opened: Opened, embedder: Embedder) -> None:
    asked = ask_all(opened, [], 5, Search(), Tools(embedder))
    assert [stage.figures for stage in figures(asked)] == [{}] * len(STAGES)
    assert latencies(asked) == {}


def test_words_that_nothing_has_find_nothing(opened: Opened, embedder: Embedder) -> None:
    known, _ = resolve([Question("zzxqj", ["fees.md"])], {one.name: one.text for one in opened.documents})
    asked = ask_all(opened, known, 2, Search(), Tools(embedder))
    assert asked.scores["words"][0]["mrr"] == 0.0
    assert asked.scores["meaning"][0]["mrr"] > 0.0
