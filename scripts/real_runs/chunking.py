"""How documents are cut, measured by what is found: questions whose answers are exact spans of five corpora.

    .venv/bin/python -m scripts.real_runs chunking

Recall, precision and IoU of characters as Smith and Troynikov define them (Evaluating Chunking Strategies for
Retrieval, 2024): of the five nearest passages by the embedder alone, all that they have in common with the
answers over the answers' length, over the passages' summed length, and over both less what is common. Does
not know how Temper ranks.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.inference.embedder import Embedder
from engine.retrieval.chunking import chunks, searched_text
from engine.retrieval.chunking.settings import ChunkSettings
from engine.retrieval.document import Document
from engine.retrieval.readers import read_document
from scripts.real_runs.commands import Commands
from store.paths import default_embedder
from store.records.knowledge import Chunk

FOLDER = "retrieval/chunking_evaluation"
PLAIN = 1200
"""Characters of a passage of the plain splitting."""
AT_ONCE = 256
NEAREST = 5
SEED = 24
DRAWS = 4000
PUBLISHED = "recall .809, IoU .177 (text-embedding-3-large, 1,200 characters; IoU by an earlier definition)"
SETTINGS = {
    "structure, 200 tokens (the default)": ChunkSettings(),
    "recursive, 200 tokens": ChunkSettings("recursive"),
    "sentences, 200 tokens": ChunkSettings("sentences"),
    "semantic, 200 tokens": ChunkSettings("semantic"),
}
Span = tuple[int, int]


class Question(msgspec.Struct):
    """A question, the corpus that answers it, and where."""

    text: str
    corpus: str
    answers: list[Span]


class Scores(msgspec.Struct):
    """A row per question: recall, precision and IoU, each in [0, 1]."""

    recall: list[float] = []
    precision: list[float] = []
    iou: list[float] = []


Cut = Callable[[Document, Embedder], list[Chunk]]


def plain(document: Document, embedder: Embedder) -> list[Chunk]:
    """Every 1,200 characters, whatever stands there."""
    text, name = document.text, document.name
    return [
        Chunk(f"{name}:{at}", name, at, min(at + PLAIN, len(text)), text[at : at + PLAIN])
        for at in range(0, len(text), PLAIN)
    ]


def cut_by(settings: ChunkSettings) -> Cut:
    """One of Temper's chunkers."""
    return lambda document, embedder: chunks(document, settings, embedder)


def union(spans: Sequence[Span]) -> list[Span]:
    """The same characters as spans that do not touch."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def length(spans: Sequence[Span]) -> int:
    """Characters of spans, those that overlap counted as often as they do."""
    return sum(end - start for start, end in spans)


def common(one: Sequence[Span], other: Sequence[Span]) -> int:
    """Characters that both hold."""
    return sum(max(0, min(b, d) - max(a, c)) for a, b in union(one) for c, d in union(other))


def measure(
    documents: dict[str, Document], questions: list[Question], cut: Cut, embedder: Embedder
) -> tuple[Scores, list[Chunk]]:
    """The scores of a way to cut, and its passages."""
    made = [(corpus, chunk) for corpus, document in documents.items() for chunk in cut(document, embedder)]
    texts = [searched_text(chunk) for _, chunk in made]
    parts = [embedder.embed(texts[at : at + AT_ONCE]) for at in range(0, len(texts), AT_ONCE)]
    near = embedder.embed([question.text for question in questions]) @ np.concatenate(parts).T
    scores = Scores()
    for question, row in zip(questions, near, strict=True):
        best = [made[at] for at in np.argsort(-row, kind="stable")[:NEAREST]]
        taken = length([(chunk.start, chunk.end) for _, chunk in best])
        right = [(chunk.start, chunk.end) for corpus, chunk in best if corpus == question.corpus]
        wanted, both = length(question.answers), common(question.answers, right)
        missed = length(union(question.answers)) - both
        scores.recall.append(both / wanted)
        scores.precision.append(both / taken)
        scores.iou.append(both / (taken + missed))
    return scores, [chunk for _, chunk in made]


def difference(one: Sequence[float], other: Sequence[float]) -> str:
    """`+.016 (-.012 to +.045)`: the mean difference and its 95% bootstrap interval over questions."""
    apart = np.array(one) - np.array(other)
    drawn = np.random.default_rng(SEED).integers(0, len(apart), (DRAWS, len(apart)))
    low, high = np.quantile(apart[drawn].mean(axis=1), (0.025, 0.975))
    return f"{apart.mean():+.3f} ({low:+.3f} to {high:+.3f})"


def read(folder: Path) -> tuple[dict[str, Document], list[Question]]:
    """The corpora by name and all questions."""
    documents = {path.stem: read_document(path.name, path) for path in sorted((folder / "corpora").iterdir())}
    with (folder / "questions_df.csv").open(encoding="utf-8", newline="") as lines:
        questions = [
            Question(
                row["question"],
                row["corpus_id"],
                [(one["start_index"], one["end_index"]) for one in json.loads(row["references"])],
            )
            for row in csv.DictReader(lines)
        ]
    return documents, questions


def run(commands: Commands, shared: Path) -> dict[str, Any]:
    """A line per way to cut; passed: the default beats the plain one by recall and by IoU."""
    documents, questions = read(shared / FOLDER)
    with Embedder(default_embedder()) as embedder:
        baseline, made = measure(documents, questions, plain, embedder)
        figures: dict[str, Any] = {
            "questions": len(questions),
            "published": PUBLISHED,
            f"plain, {PLAIN:,} characters": told(baseline, made),
        }
        beaten = False
        for name, settings in SETTINGS.items():
            print(name, file=sys.stderr)
            scores, made = measure(documents, questions, cut_by(settings), embedder)
            figures[name] = told(scores, made)
            if settings == ChunkSettings():
                better = [np.mean(scores.recall) > np.mean(baseline.recall)]
                better.append(np.mean(scores.iou) > np.mean(baseline.iou))
                beaten = all(better)
                figures["default less plain"] = (
                    f"recall {difference(scores.recall, baseline.recall)}, "
                    f"IoU {difference(scores.iou, baseline.iou)}"
                )
    return figures | {"passed": beaten}


def told(scores: Scores, made: list[Chunk]) -> str:
    """Figures of one way to cut."""
    mean = np.mean([chunk.end - chunk.start for chunk in made])
    return (
        f"recall {np.mean(scores.recall):.3f}  precision {np.mean(scores.precision):.3f}  "
        f"IoU {np.mean(scores.iou):.3f}   {len(made):,} passages of {mean:.0f} characters"
    )
