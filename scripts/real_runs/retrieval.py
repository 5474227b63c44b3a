"""Retrieval on documents and questions that nobody here wrote, each part alone and both fused.

    .venv/bin/python -m scripts.real_runs.retrieval wallet|eips|aips [--out DIR]

By document: the rank of a document is that of its best passage. Does not choose any setting.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.inference.embedder import Embedder
from engine.retrieval.chunking.settings import ChunkSettings
from engine.retrieval.fusion import fuse
from engine.retrieval.indexing import IndexSettings, build_index
from engine.retrieval.readers import find_files
from engine.retrieval.search import WEIGHTS, Opened
from store import knowledge
from store.paths import WorkspacePaths, default_embedder

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
# name -> folder of documents, file of questions, the key that names the right document
CORPORA = {
    "wallet": ("wallet/kb", "wallet/kb_title_queries_dev.jsonl", "gold_path"),
    "eips": ("defi/eips", "defi/eip_queries_dev.jsonl", "gold_doc"),
    "aips": ("defi/aips", "defi/aip_queries_dev.jsonl", "gold_doc"),
}
DEPTH = 200
CHUNK_TOKENS = 200


class Quality(msgspec.Struct):
    """Shares of `questions` whose document is first or among the first five, and the mean of 1 / its rank."""

    recall_1: float
    recall_5: float
    mrr: float
    questions: int


def measure(corpus: str, shared: Path, out: Path) -> dict[str, Quality]:
    """The quality of `dense`, `lexical` and `hybrid`, over a knowledge base in `out`, built if need be."""
    folder, questions_file, key = CORPORA[corpus]
    paths = WorkspacePaths(out)
    with Embedder(default_embedder()) as embedder:
        files = find_files([shared / folder], shared / folder)
        with knowledge.publishing(paths, corpus, "a measurement"):
            build_index(
                paths, corpus, files, embedder, IndexSettings(ChunkSettings(chunk_tokens=CHUNK_TOKENS)), tell
            )
        questions = [json.loads(line) for line in (shared / questions_file).open(encoding="utf-8")]
        opened = Opened(knowledge.open_generation(paths, corpus))
        ranks: dict[str, list[int]] = {"dense": [], "lexical": [], "hybrid": []}
        for question in questions:
            for part, ranking in rankings(opened, embedder, question["query"]).items():
                ranks[part].append(rank_of(opened, ranking, question[key]))
        opened.close()
    return {part: quality(found) for part, found in ranks.items()}


def rankings(opened: Opened, embedder: Embedder, query: str) -> dict[str, list[int]]:
    """Passages by each part, best first."""
    dense = [at for at, _ in opened.dense.best(embedder.embed([query])[0], DEPTH)]
    lexical = [at for at, _ in opened.lexical.best(query, DEPTH)]
    fused = [at for at, _ in fuse([dense, lexical], WEIGHTS)]
    return {"dense": dense, "lexical": lexical, "hybrid": fused}


def rank_of(opened: Opened, ranking: Sequence[int], document: str) -> int:
    """The place of `document` among the documents of `ranking`, from 1; 0 when it is not there."""
    seen = list(dict.fromkeys(opened.chunks[at].doc for at in ranking))
    return seen.index(document) + 1 if document in seen else 0


def quality(ranks: Sequence[int]) -> Quality:
    """Recall at 1 and 5, and mean reciprocal rank."""
    total = len(ranks)
    return Quality(
        recall_1=sum(rank == 1 for rank in ranks) / total,
        recall_5=sum(1 <= rank <= 5 for rank in ranks) / total,
        mrr=sum(1 / rank for rank in ranks if rank) / total,
        questions=total,
    )


def tell(phase: str, done: int, total: int) -> None:
    """Progress on stderr."""
    if done == total or done % 64 == 0:
        print(f"{phase} {done}/{total}", file=sys.stderr)


def main() -> None:
    """Print a line per part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", choices=CORPORA)
    parser.add_argument("--out", type=Path, help="Where the knowledge base is kept for the next time.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        begin = time.monotonic()
        found = measure(arguments.corpus, SHARED, arguments.out or Path(scratch))
    print(f"{'part':<9}    R@1    R@5    MRR   ({time.monotonic() - begin:.0f} s)")
    for part, one in found.items():
        print(f"{part:<9}  {one.recall_1:.3f}  {one.recall_5:.3f}  {one.mrr:.3f}")


if __name__ == "__main__":
    main()
