"""Temper's arm of G10's embedding.

    python g10_temper_embedder.py GGUF TEXTS CORES VECTORS     prints {seconds}, a line per request

Cores are those that the process may use: the embedder takes all of them.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from engine.inference.embedder import Embedder


def main(model: str, texts: str, cores: str, out: str) -> None:
    """Embed all texts for every line of stdin."""
    sentences = json.loads(Path(texts).read_text(encoding="utf-8"))
    with Embedder(Path(model)) as embedder:
        for _ in sys.stdin:
            begin = time.perf_counter()
            vectors = embedder.embed(sentences)
            seconds = time.perf_counter() - begin
            np.save(out, vectors)
            print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
