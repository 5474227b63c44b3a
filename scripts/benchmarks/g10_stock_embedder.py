"""Baseline arm of G10's embedding: sentence-transformers, as its documentation shows it.

python g10_stock_embedder.py MODEL TEXTS CORES VECTORS     prints {seconds}, a line per request
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer


def main(model: str, texts: str, cores: str, out: str) -> None:
    """Embed all texts for every line of stdin."""
    torch.set_num_threads(int(cores))
    encoder = SentenceTransformer(model, device="cpu")
    sentences = json.loads(Path(texts).read_text())
    for _ in sys.stdin:
        begin = time.perf_counter()
        vectors = encoder.encode(sentences, normalize_embeddings=True)
        seconds = time.perf_counter() - begin
        np.save(out, vectors)
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
