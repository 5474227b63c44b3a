"""Vectors in Chroma: ids, vectors and what can be filtered by. With texts in it, it fills three times slower.

The one module that imports Chroma. Nearest neighbours are approximate (HNSW over cosine distance). Does not
know where the directory lies, nor which embedder the vectors come from.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.errors import TemperError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

FOLDER = "chroma"
CLOSE_SECONDS = 5.0

_COLLECTION = "chunks"


def write(
    folder: Path, ids: Sequence[str], vectors: npt.NDArray[np.float32], metadata: Sequence[dict[str, str]]
) -> None:
    """Make a Chroma directory in `folder`, complete and closed when this returns.

    Raises TemperError when Chroma cannot write (a full disk).
    """
    path = folder / FOLDER
    client = _client(path)
    try:
        # The graph is written once, at the end, instead of after every thousand vectors.
        graph = {
            "space": "cosine",
            "sync_threshold": max(2, len(ids)),
            "batch_size": max(2, min(100, len(ids))),
        }
        collection = client.create_collection(
            _COLLECTION, embedding_function=None, configuration={"hnsw": graph}
        )
        most = client.get_max_batch_size()
        for at in range(0, len(ids), most):
            part = slice(at, at + most)
            collection.add(ids=list(ids[part]), embeddings=vectors[part], metadatas=list(metadata[part]))
    except Exception as error:  # what Chroma's Rust part raises has no common base
        raise TemperError(
            "The vector index could not be written",
            f"{path}: {error}",
            "If the disk is full, free some space; then run the command again. What was published is intact.",
        ) from error
    finally:
        client.close()
    _await_closed(path)


class VectorIndex:
    """A finished Chroma directory, opened to search. Close it."""

    def __init__(self, folder: Path) -> None:
        self._client = _client(folder / FOLDER)
        self._collection = self._client.get_collection(_COLLECTION, embedding_function=None)

    def nearest(self, vector: npt.NDArray[np.float32], count: int) -> list[tuple[str, float]]:
        """Ids of the `count` nearest vectors with their cosine similarity, best first."""
        count = min(count, self._collection.count())
        if count == 0:
            return []
        found = self._collection.query(query_embeddings=[vector], n_results=count, include=["distances"])
        distances = found["distances"]
        return [
            (chunk, 1.0 - distance) for chunk, distance in zip(found["ids"][0], distances[0], strict=True)
        ]

    def close(self) -> None:
        """Let go of the files."""
        self._client.close()


def _client(path: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    # Untyped: `close` is missing from the interface that Chroma declares.
    return chromadb.PersistentClient(str(path), settings=Settings(anonymized_telemetry=False))


def _await_closed(path: Path) -> None:
    """Return when no file in `path` is open here: Chroma's own threads close the last just after `close`."""
    deadline = time.monotonic() + CLOSE_SECONDS
    while any(name.startswith(f"{path}/") for name in _open_files()) and time.monotonic() < deadline:
        time.sleep(0.01)


def _open_files() -> list[str]:
    listed = Path("/proc/self/fd")
    names = []
    for entry in os.listdir(listed) if listed.is_dir() else ():
        try:
            names.append(os.readlink(listed / entry))
        except OSError:  # closed meanwhile
            continue
    return names
