"""Retrieval on documents and questions that nobody here wrote: each stage's gain, one configuration for all.

    .venv/bin/python -m scripts.real_runs retrieval

By document: the rank of a document is that of its best passage. Weights are chosen on half of the questions
(drawn with a seed) and confirmed on the others; intervals are bootstraps over questions, corpus by corpus.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from engine.inference.embedder import Embedder
from engine.retrieval.indexing import IndexSettings, build_index
from engine.retrieval.opened import Opened
from engine.retrieval.ranking import WEIGHTS, Grouping, Scores, Signals, Weights, rank, scaled
from engine.retrieval.readers import find_files
from scripts.real_runs.commands import Commands
from scripts.real_runs.rank_fusion import fuse
from store import knowledge
from store.paths import WorkspacePaths, default_embedder

# name -> folder of documents, file of questions, the key that names the right document
CORPORA = {
    "wallet": ("wallet/kb", "wallet/kb_title_queries_dev.jsonl", "gold_path"),
    "eips": ("defi/eips", "defi/eip_queries_dev.jsonl", "gold_doc"),
    "aips": ("defi/aips", "defi/aip_queries_dev.jsonl", "gold_doc"),
}
GOAL = 0.885
SEED = 20
DRAWS = 4000
DEPTH = 50  # of each ranking, where ranks are fused


class Asked(msgspec.Struct):
    """A corpus: the signals of each question, and the place of its right document."""

    documents: Grouping
    sections: Grouping
    signals: list[Signals]
    right: list[int]


Ranker = Callable[[Signals, Grouping], Scores]


def by_rank(signals: Signals, sections: Grouping) -> Scores:
    """Passages fused by reciprocal rank, equal weights."""
    rankings = [
        [int(at) for at in np.argsort(-part, kind="stable")[:DEPTH] if part[at] > 0]
        for part in (signals.meaning, signals.words)
    ]
    scores = np.zeros(len(signals.meaning))
    for at, score in fuse(rankings, (1.0, 1.0)):
        scores[at] = score
    return scores


def with_weights(weights: Weights) -> Ranker:
    """Our ranking with these weights."""
    return lambda signals, sections: rank(signals, sections, weights)


STAGES: dict[str, Ranker] = {
    "meaning of passages": with_weights(Weights(1, 0, 0)),
    "words of passages": lambda signals, sections: signals.words,
    "words of sections": with_weights(Weights(0, 0, 1)),
    "passages by reciprocal rank": by_rank,
    "passages by scores": lambda signals, sections: (
        WEIGHTS.meaning * scaled(signals.meaning) + WEIGHTS.words * scaled(signals.words)
    ),
    "meaning, words of sections": with_weights(msgspec.structs.replace(WEIGHTS, support=0)),
    "+ second passage (the default)": with_weights(WEIGHTS),
}


def ask(corpus: str, shared: Path, out: Path, embedder: Embedder) -> Asked:
    """A knowledge base of the corpus in `out`, built if need be, and asked all its questions."""
    folder, questions_file, key = CORPORA[corpus]
    paths = WorkspacePaths(out)
    files = find_files([shared / folder], shared / folder)
    with knowledge.publishing(paths, corpus, "a measurement"):
        build_index(paths, corpus, files, embedder, IndexSettings(), tell)
    opened = Opened(knowledge.open_generation(paths, corpus))
    with (shared / questions_file).open(encoding="utf-8") as lines:
        questions = [json.loads(line) for line in lines]
    names = opened.grouping.names
    asked = Asked(
        opened.grouping,
        opened.sections,
        [opened.signals(question["query"], embedder) for question in questions],
        [names.index(question[key]) for question in questions],
    )
    opened.close()
    return asked


def reciprocal_ranks(asked: Asked, ranker: Ranker) -> npt.NDArray[np.float64]:
    """1 / the right document's rank, for each question; equal documents share the middle of their ranks."""
    found = []
    for signals, right in zip(asked.signals, asked.right, strict=True):
        documents = asked.documents.highest(ranker(signals, asked.sections))
        better = np.count_nonzero(documents > documents[right])
        equal = np.count_nonzero(documents == documents[right]) - 1
        found.append(1 / (1 + better + equal / 2))
    return np.array(found)


Found = dict[str, npt.NDArray[np.float64]]


def mean(found: Found) -> float:
    """The mean over corpora of the mean reciprocal rank."""
    return float(np.mean([ranks.mean() for ranks in found.values()]))


def interval(found: Mapping[str, npt.NDArray[np.float64]]) -> tuple[float, float]:
    """The 95% bootstrap interval of `mean`: questions drawn anew within each corpus."""
    random = np.random.default_rng(SEED)
    drawn = np.mean(
        [ranks[random.integers(0, len(ranks), (DRAWS, len(ranks)))].mean(axis=1) for ranks in found.values()],
        axis=0,
    )
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def grid() -> Iterator[Weights]:
    """Weights to choose from: how much meaning counts against words, a second passage against the first."""
    for meaning, support in itertools.product((0.5, 0.55, 0.6, 0.65, 0.7), (0.0, 0.25, 0.5, 0.75, 1.0)):
        yield Weights(meaning, support, 1 - meaning)


def choose(all_asked: Mapping[str, Asked]) -> dict[str, str]:
    """The best weights on one half of the questions, and on the others, beside the default."""
    random = np.random.default_rng(SEED)
    halves = {name: random.permutation(len(one.right)) % 2 == 0 for name, one in all_asked.items()}

    def parts(ranker: Ranker) -> tuple[Found, Found]:
        found = {name: reciprocal_ranks(one, ranker) for name, one in all_asked.items()}
        return (
            {name: ranks[halves[name]] for name, ranks in found.items()},
            {name: ranks[~halves[name]] for name, ranks in found.items()},
        )

    best = max(grid(), key=lambda weights: mean(parts(with_weights(weights))[0]))
    told = {}
    for label, weights in (("chosen on one half", best), ("the default", WEIGHTS)):
        first, second = parts(with_weights(weights))
        low, high = interval(second)
        told[f"{label}: {msgspec.structs.astuple(weights)}"] = (
            f"{mean(first):.3f} there, {mean(second):.3f} on the other half ({low:.3f} to {high:.3f})"
        )
    return told


def run(commands: Commands, shared: Path) -> dict[str, Any]:
    """Figures by stage: MRR and R@1 of each corpus, the mean MRR with its interval."""
    commands.root.mkdir(parents=True, exist_ok=True)
    with Embedder(default_embedder()) as embedder:
        asked = {corpus: ask(corpus, shared, commands.root, embedder) for corpus in CORPORA}
    figures: dict[str, Any] = {"MRR/R@1 of": ", ".join(f"{n} ({len(a.right)})" for n, a in asked.items())}
    reached = 0.0
    for stage, ranker in STAGES.items():
        found = {name: reciprocal_ranks(one, ranker) for name, one in asked.items()}
        low, high = interval(found)
        each = "  ".join(f"{ranks.mean():.3f}/{(ranks == 1).mean():.2f}" for ranks in found.values())
        reached = mean(found)
        figures[stage] = f"{each}  mean {reached:.4f} ({low:.3f} to {high:.3f})"
    return figures | choose(asked) | {"passed": reached >= GOAL}


def tell(phase: str, done: int, total: int) -> None:
    """Progress on stderr."""
    if done == total or done % 256 == 0:
        print(f"{phase} {done}/{total}", file=sys.stderr)
