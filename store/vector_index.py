"""Vectors in Chroma, in a folder or on a server: ids, vectors and what can be filtered by.

With texts in it, it fills three times slower. The one module that imports Chroma. Nearest neighbours are
approximate (HNSW over cosine distance). Does not know where the folder lies, nor which embedder the vectors
come from.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from store.errors import MissingError, TemperError, UsageError

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
    with _writing(str(path)):
        client = _client(path)
        try:
            _fill(client, _COLLECTION, ids, vectors, metadata)
        finally:
            client.close()
    _await_closed(path)


def write_to_server(
    url: str,
    collection: str,
    ids: Sequence[str],
    vectors: npt.NDArray[np.float32],
    metadata: Sequence[dict[str, str]],
) -> None:
    """Make the collection on the Chroma server at `url`; one of that name is made anew.

    Raises MissingError when nobody answers there, TemperError when the server cannot write.
    """
    with connected(url) as client, _writing(f"{url}, collection {collection}"):
        if collection in _names(client):
            client.delete_collection(collection)
        try:
            _fill(client, collection, ids, vectors, metadata)
            if (there := client.get_collection(collection, embedding_function=None).count()) != len(ids):
                raise ValueError(f"the server holds {there} of {len(ids)} vectors")
        except BaseException:
            client.delete_collection(collection)
            raise


def remove_from_server(url: str, prefix: str, kept: Sequence[str]) -> None:
    """Remove the collections whose names begin with `prefix`, but those `kept`."""
    with connected(url) as client, _writing(url):
        for name in _names(client):
            if name.startswith(prefix) and name not in kept:
                client.delete_collection(name)


def open_index(folder: Path, url: str, collection: str) -> VectorIndex:
    """The vectors of a generation: on the server at `url` where there is one, else in `folder`.

    Raises MissingError when the server does not answer, or has no such collection.
    """
    if not url:
        return VectorIndex(_client(folder / FOLDER), _COLLECTION)
    client = _connect(url)
    if collection not in _names(client):
        _hang_up(client)
        raise MissingError(
            "The Chroma server does not hold the vectors of this knowledge base",
            f"{url} has no collection {collection}.",
            "Build it again: temper kb ingest",
        )
    return VectorIndex(client, collection)


class VectorIndex:
    """A finished collection, opened to search. Close it."""

    def __init__(self, client: Any, collection: str) -> None:
        self._client = client
        self._collection = client.get_collection(collection, embedding_function=None)

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
        """Let go of the files, or the connection."""
        _hang_up(self._client)


def check_url(url: str) -> None:
    """Raise UsageError unless `url` can be a Chroma server's."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise UsageError(
            "That is no address of a Chroma server",
            f"{url!r} is not of the form http://HOST:PORT.",
            'Write, for example: chroma = "http://127.0.0.1:8000", or leave the key out.',
        )


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """A client of the Chroma server at `url`. Raises MissingError when it does not answer."""
    client = _connect(url)
    try:
        yield client
    finally:
        _hang_up(client)


def _connect(url: str) -> Any:
    import chromadb
    from chromadb.config import Settings

    check_url(url)
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 8000)
    try:
        return chromadb.HttpClient(
            host=str(parts.hostname), port=port, ssl=secure, settings=Settings(anonymized_telemetry=False)
        )
    except Exception as error:  # Chroma turns what httpx raises into ValueErrors and others
        refused = error if isinstance(error, TemperError) else error.__cause__ or error.__context__
        if isinstance(refused, TemperError):
            raise refused from error
        raise MissingError(
            "The Chroma server does not answer",
            f"{url}: {error}",
            f"Start it with: chroma run --path FOLDER --port {port}\n"
            "or take `chroma` out of temper.toml to keep vectors in the workspace.",
        ) from error


def _hang_up(client: Any) -> None:
    """Close a client, and the connections of one to a server: Chroma forgets them, and keeps them apart."""
    ends = (client, getattr(client, "_admin_client", None))
    sessions = [getattr(getattr(end, "_server", None), "_session", None) for end in ends]
    client.close()
    for session in filter(None, sessions):
        session.close()


def _names(client: Any) -> list[str]:
    return [collection.name for collection in client.list_collections()]


def _fill(
    client: Any,
    name: str,
    ids: Sequence[str],
    vectors: npt.NDArray[np.float32],
    metadata: Sequence[dict[str, str]],
) -> None:
    # The graph is written once, at the end, instead of after every thousand vectors.
    graph = {"space": "cosine", "sync_threshold": max(2, len(ids)), "batch_size": max(2, min(100, len(ids)))}
    collection = client.create_collection(name, embedding_function=None, configuration={"hnsw": graph})
    most = client.get_max_batch_size()
    for at in range(0, len(ids), most):
        part = slice(at, at + most)
        collection.add(ids=list(ids[part]), embeddings=vectors[part], metadatas=list(metadata[part]))


@contextmanager
def _writing(where: str) -> Iterator[None]:
    try:
        yield
    except TemperError:
        raise
    except Exception as error:  # what Chroma's Rust part raises has no common base
        raise TemperError(
            "The vector index could not be written",
            f"{where}: {error}",
            "If the disk is full, free some space; then run the command again. What was published is intact.",
        ) from error


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
