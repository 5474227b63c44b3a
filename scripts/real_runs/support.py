"""Does the support check tell what a passage says from what it does not say? On real text, in three ways.

    .venv/bin/python -m scripts.real_runs support

`sentences` of articles against their own passage, with a random other one and with the one of another article
that is most like it; the same sentences with a figure changed; `summaries`, one line that a document's author
wrote about it, against its best passage and the best one of another document. Judges only the check's two
measures, not a model's answers.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.inference.embedder import Embedder
from engine.retrieval.chunking import chunks, searched_text
from engine.retrieval.chunking.settings import ChunkSettings
from engine.retrieval.readers import find_files, read_document
from engine.retrieval.support import Embed, supports
from scripts.real_runs.commands import Commands
from store.paths import default_embedder
from store.records.knowledge import Chunk

SEED = 20
PAIRS = 200
RECALL, RANDOM = 0.95, 0.05
"""Least share of articles' own sentences, and most of random pairs, that may count as supported."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_FIGURE = re.compile(r"\d+")


class Corpus:
    """Passages of a folder's articles with their vectors."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        documents = [
            read_document(name, path)
            for name, path in find_files([folder], folder).items()
            if path.suffix == ".md"
        ]
        self.passages: list[Chunk] = [
            chunk for document in documents for chunk in chunks(document, ChunkSettings(), embedder)
        ]
        self.docs = np.array([passage.doc for passage in self.passages])
        self.vectors = embedder.embed([searched_text(passage) for passage in self.passages])

    def best(self, vector: npt.NDArray[np.float32], allowed: npt.NDArray[np.bool_]) -> str:
        """The passage most like `vector` among the allowed ones."""
        return self.passages[int(np.argmax(np.where(allowed, self.vectors @ vector, -2.0)))].text


class Pairs:
    """A sentence with a passage, by what the passage is to it."""

    def __init__(self) -> None:
        self.of: dict[str, list[tuple[str, str]]] = {}

    def add(self, kind: str, sentence: str, passage: str) -> None:
        """One more."""
        self.of.setdefault(kind, []).append((sentence, passage))

    def accepted(self, embed: Embed | None) -> dict[str, float]:
        """The share of each kind that counts as supported."""
        return {
            kind: float(np.mean([supports(sentence, passage, embed)[0] for sentence, passage in pairs]))
            for kind, pairs in self.of.items()
        }


def of_sentences(corpus: Corpus, embedder: Embedder) -> Pairs:
    """Sentences of articles: their own passage, a random one, the most like one; a figure changed."""
    random = np.random.default_rng(SEED)
    said = [
        (at, sentence.strip())
        for at, passage in enumerate(corpus.passages)
        for sentence in _SENTENCE.split(passage.text)
        if 8 <= len(sentence.split()) <= 40
    ]
    pairs = Pairs()
    for at, sentence in (said[int(pick)] for pick in random.choice(len(said), PAIRS, replace=False)):
        others = corpus.docs != corpus.docs[at]
        pairs.add("true", sentence, corpus.passages[at].text)
        pairs.add("random", sentence, corpus.passages[int(random.choice(np.flatnonzero(others)))].text)
        pairs.add("most like", sentence, corpus.best(embedder.embed([sentence])[0], others))
        if (figure := _FIGURE.search(sentence)) is not None:
            changed = f"{sentence[: figure.start()]}{int(figure[0]) + 7}{sentence[figure.end() :]}"
            pairs.add("figure changed", changed, corpus.passages[at].text)
    return pairs


def of_summaries(corpus: Corpus, questions: Path, embedder: Embedder) -> Pairs:
    """Authors' one-line summaries: the best passage of their document, a random one, the best of another."""
    random = np.random.default_rng(SEED)
    pairs = Pairs()
    for line in questions.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        own = corpus.docs == row["gold_doc"]
        vector = embedder.embed([row["query"]])[0]
        pairs.add("true", row["query"], corpus.best(vector, own))
        pairs.add("random", row["query"], corpus.passages[int(random.choice(np.flatnonzero(~own)))].text)
        pairs.add("most like", row["query"], corpus.best(vector, ~own))
    return pairs


def figures_of(label: str, pairs: Pairs, embed: Embed | None) -> dict[str, str]:
    """Recall of true pairs, and the share of each wrong kind that passes; precision beside random ones."""
    accepted = pairs.accepted(embed)
    true = accepted.pop("true")
    precision = true / (true + accepted["random"]) if true else 0.0
    wrong = ", ".join(f"{kind} {share:.2f}" for kind, share in accepted.items())
    return {label: f"recall {true:.2f}, precision {precision:.2f}; of the wrong ones pass: {wrong}"}


def run(commands: Commands, shared: Path) -> dict[str, Any]:
    """Figures with words alone, and with meaning."""
    figures: dict[str, Any] = {}
    with Embedder(default_embedder()) as embedder:
        wallet = Corpus(shared / "wallet/kb", embedder)
        sets = {f"sentences ({PAIRS})": of_sentences(wallet, embedder)}
        for name in ("eip", "aip"):
            corpus = Corpus(shared / f"defi/{name}s", embedder)
            pairs = of_summaries(corpus, shared / f"defi/{name}_queries_dev.jsonl", embedder)
            sets[f"summaries, {name}s ({len(pairs.of['true'])})"] = pairs
        for label, pairs in sets.items():
            figures |= figures_of(f"{label}, words", pairs, None)
            figures |= figures_of(f"{label}, words and meaning", pairs, embedder.embed)
        first = next(iter(sets.values())).accepted(embedder.embed)
    return figures | {"passed": first["true"] >= RECALL and first["random"] <= RANDOM}
