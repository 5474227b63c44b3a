"""Baseline arm of G10: Chroma with the documents in it, and rank_bm25, as their documentation shows them.

python g10_stock.py ingest MATERIAL OUT     prints {seconds}
python g10_stock.py search MATERIAL OUT     prints {milliseconds: [...], dense: [[...]]}, a line per request
"""

import json
import pickle
import sys
import time
from pathlib import Path

import chromadb
import numpy as np
from rank_bm25 import BM25Okapi

TOP, CANDIDATES, K = 10, 50, 60


def ingest(material: Path, out: Path) -> None:
    """Fill both indexes."""
    passages = json.loads((material / "passages.json").read_text())
    vectors = np.load(material / "vectors.npy")
    begin = time.perf_counter()
    client = chromadb.PersistentClient(str(out / "chroma"))
    collection = client.create_collection("passages", configuration={"hnsw": {"space": "cosine"}})
    most = client.get_max_batch_size()
    for at in range(0, len(passages), most):
        part = passages[at : at + most]
        ids = [str(at + i) for i in range(len(part))]
        collection.add(ids=ids, documents=part, embeddings=vectors[at : at + most])
    index = BM25Okapi([passage.split(" ") for passage in passages])
    (out / "bm25").write_bytes(pickle.dumps(index))  # a file of our own, of a minute ago
    print(json.dumps({"seconds": time.perf_counter() - begin}))


def search(material: Path, out: Path) -> None:
    """Answer all questions for every line of stdin."""
    questions = json.loads((material / "questions.json").read_text())
    vectors = np.load(material / "question_vectors.npy")
    collection = chromadb.PersistentClient(str(out / "chroma")).get_collection("passages")
    index = pickle.loads((out / "bm25").read_bytes())
    for _ in sys.stdin:
        taken, dense = [], []
        for question, vector in zip(questions, vectors, strict=True):
            begin = time.perf_counter()
            found = collection.query(query_embeddings=[vector], n_results=CANDIDATES)["ids"][0]
            words = np.argsort(-index.get_scores(question.split(" ")))[:CANDIDATES]
            scores: dict[str, float] = {}
            for ranking in (found, [str(at) for at in words]):
                for rank, one in enumerate(ranking, 1):
                    scores[one] = scores.get(one, 0) + 1 / (K + rank)
            collection.get(ids=sorted(scores, key=lambda one: -scores[one])[:TOP])
            taken.append((time.perf_counter() - begin) * 1000)
            dense.append([int(one) for one in found[:TOP]])
        print(json.dumps({"milliseconds": taken, "dense": dense}), flush=True)


if __name__ == "__main__":
    {"ingest": ingest, "search": search}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
