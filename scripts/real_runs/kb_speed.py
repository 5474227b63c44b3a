"""How long an ingest takes, by stage, and how long a search takes, by size.

    python -m scripts.real_runs.kb_speed [--passages 10000] [--sizes 1000,20000,100000] [--json]

The ingest is a whole one, `temper kb ingest` with the default embedder, over documents made of sentences of
this project's documentation. Searches of large bases are over cheap vectors (benchmarks/g10_material.py),
without the embedding of the question, which is timed by itself: such vectors say how long a search takes, and
nothing about what it finds.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from scripts.benchmarks import g10, g10_material
from scripts.benchmarks.arms import ROOT
from scripts.real_runs.commands import TEMPER, versions

PASSAGES_PER_DOCUMENT, SENTENCES_PER_PASSAGE = 10, 6
QUESTIONS = 200
SENTENCE = re.compile(r"[A-Z][^.!?\n]{20,300}[.!?]")


def write_documents(folder: Path, passages: int, seed: int = 0) -> None:
    """About `passages` passages, each a section of its own, in documents of ten."""
    chance = random.Random(seed)
    pool = [one for path in sorted(ROOT.rglob("docs/**/*.md")) for one in SENTENCE.findall(path.read_text())]
    folder.mkdir(parents=True)
    for number in range(passages // PASSAGES_PER_DOCUMENT):
        sections = [
            f"## Part {at}\n\n{' '.join(chance.choice(pool) for _ in range(SENTENCES_PER_PASSAGE))}\n"
            for at in range(PASSAGES_PER_DOCUMENT)
        ]
        (folder / f"{number:05}.md").write_text(f"# Document {number}\n\n" + "\n".join(sections))


def ingest(root: Path, passages: int) -> dict[str, Any]:
    """A first ingest and a refresh of one changed document: seconds by stage, and passages per second."""
    folder = root / "workspace"
    subprocess.run([TEMPER, "init", str(folder), "--template", "blank"], check=True, capture_output=True)
    write_documents(folder / "made", passages)
    first = told(folder, "kb", "ingest", "made", "--kb", "made", "--json")
    with (folder / "made" / "00000.md").open("a") as file:
        file.write("\nOne more sentence.\n")
    second = told(folder, "kb", "ingest", "--kb", "made", "--json")
    return {
        "passages": first["chunks"],
        "seconds": first["seconds"],
        "passages_per_second": round(first["chunks"] / first["seconds"], 1),
        "stages": first["stages"],
        "refresh_of_one_document": {key: second[key] for key in ("embedded", "reused", "seconds")},
    }


def told(folder: Path, *arguments: str) -> dict[str, Any]:
    """What a command prints for programs."""
    done = subprocess.run([TEMPER, *arguments], cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def search(root: Path, passages: int) -> dict[str, Any]:
    """Milliseconds of the median and of the slowest hundredth, over cheap vectors; the ingest's seconds."""
    material, out = root / f"material{passages}", root / f"base{passages}"
    g10_material.write(material, passages, QUESTIONS)
    built = g10.told(g10.TEMPER, "ingest", material, out)
    with g10.asking(g10.TEMPER, "search", material, out) as arm:
        arm.again()
        taken = [one for _ in range(3) for one in arm.again()["milliseconds"]]
    return {
        "passages": passages,
        "p50_ms": round(float(np.percentile(taken, 50)), 2),
        "p99_ms": round(float(np.percentile(taken, 99)), 2),
        "write_seconds": round(built["seconds"], 1),
        "write_stages": built["stages"],
        "vectors": "cheap",
    }


def question() -> float:
    """Milliseconds to embed a question, the median of many."""
    from engine.inference.embedder import Embedder
    from store.paths import default_embedder

    taken = []
    with Embedder(default_embedder()) as embedder:
        for at in range(100):
            begin = time.perf_counter()
            embedder.embed([f"how do I get back what I lost in transfer number {at}?"])
            taken.append((time.perf_counter() - begin) * 1000)
    return round(statistics.median(taken), 2)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--passages", type=int, default=10_000, help="of the whole ingest; 0 for none")
    parser.add_argument("--sizes", default="1000,20000,100000", help="of the bases that are searched")
    parser.add_argument("--json", action="store_true", dest="as_json")
    asked = parser.parse_args()
    found: dict[str, Any] = {"load_average": os.getloadavg(), "versions": versions()}
    with tempfile.TemporaryDirectory() as scratch:
        if asked.passages:
            found["ingest"] = ingest(Path(scratch), asked.passages)
            print(json.dumps(found["ingest"]), file=sys.stderr)
        found["search"] = []
        for size in map(int, asked.sizes.split(",")):
            found["search"].append(search(Path(scratch), size))
            print(json.dumps(found["search"][-1]), file=sys.stderr)
        found["question_ms"] = question()
    if asked.as_json:
        print(json.dumps(found, indent=2))
        return
    for one in (found.get("ingest"), *found["search"], {"question_ms": found["question_ms"]}):
        if one:
            print("  ".join(f"{name} {value}" for name, value in one.items()))


if __name__ == "__main__":
    main()
