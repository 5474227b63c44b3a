"""Temper's arm of G10: a generation published, and searched by meaning and by words.

    python g10_temper.py ingest MATERIAL OUT    prints {seconds, stages}; `graph` writes Chroma's as well
    python g10_temper.py search MATERIAL OUT    prints {milliseconds: [...], dense: [[...]]} per line of stdin

What the embedder costs is left out of both arms: vectors are given.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.retrieval.chunking import stamp
from engine.retrieval.embedding import Embedded
from engine.retrieval.indexing import IndexSettings, Stages, publish_generation
from engine.retrieval.opened import Opened
from engine.retrieval.reading import Reading
from engine.retrieval.stages import Tools, find
from store import clock, knowledge
from store.paths import WorkspacePaths
from store.records.knowledge import Chunk, DocumentRecord, Manifest, SearchOptions
from store.records.workspace import Search

TOP = 10
KB = "passages"


def graph(material: Path, out: Path) -> None:
    """Write and publish, with Chroma's graph, which a base of this size would do without."""
    ingest(material, out, IndexSettings(graph_from=0))


def ingest(material: Path, out: Path, settings: IndexSettings | None = None) -> None:
    """Write and publish: tables, vectors, words."""
    texts = json.loads((material / "passages.json").read_text(encoding="utf-8"))
    vectors = np.load(material / "vectors.npy")
    reading = read(texts)
    manifest = Manifest(
        KB, 0, clock.stamp(), len(texts), len(texts), vectors.shape[1], "cheap", "0" * 64, 200
    )
    stages = Stages()
    begin = time.perf_counter()
    paths = WorkspacePaths(out)
    with knowledge.publishing(paths, KB, "a benchmark"):
        publish_generation(
            paths, manifest, reading, Embedded(vectors), settings or IndexSettings(), lambda *_: None, stages
        )
    print(json.dumps({"seconds": time.perf_counter() - begin, "stages": stages.seconds}))


def read(texts: Sequence[str]) -> Reading:
    """Every text as a document of one passage."""
    chunks = [Chunk(str(at), f"{at}.txt", 0, len(text), text) for at, text in enumerate(texts)]
    for chunk in chunks:
        stamp(chunk)
    return Reading([DocumentRecord(chunk.doc, chunk.text) for chunk in chunks], chunks)


def search(material: Path, out: Path) -> None:
    """Answer all questions for every line of stdin."""
    questions = json.loads((material / "questions.json").read_text(encoding="utf-8"))
    vectors = np.load(material / "question_vectors.npy")
    tools = Tools(Given(dict(zip(questions, vectors, strict=True))))
    opened = Opened(knowledge.open_generation(WorkspacePaths(out), KB))
    for _ in sys.stdin:
        taken, dense = [], []
        for question, vector in zip(questions, vectors, strict=True):
            begin = time.perf_counter()
            find(opened, question, TOP, SearchOptions(), Search(), tools)
            taken.append((time.perf_counter() - begin) * 1000)
            dense.append([at for at, _ in opened.dense.best(vector, TOP)])
        print(json.dumps({"milliseconds": taken, "dense": dense}), flush=True)
    opened.close()


class Given:
    """Stands in for the embedder: the questions' vectors are known."""

    def __init__(self, vectors: dict[str, npt.NDArray[np.float32]]) -> None:
        self._vectors = vectors

    def count_tokens(self, text: str) -> int:
        """Words."""
        return len(text.split())

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """The vectors of these questions."""
        return np.array([self._vectors[text] for text in texts])


if __name__ == "__main__":
    {"ingest": ingest, "graph": graph, "search": search}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
