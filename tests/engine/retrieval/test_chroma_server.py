"""The same code with the vectors on a Chroma server: a real one, on this machine."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from engine.retrieval.dense import ExactIndex, GraphIndex
from engine.retrieval.indexing import IndexSettings, build_index
from engine.retrieval.readers import find_files
from store import knowledge, vector_index
from store.errors import MissingError, UsageError
from tests.engine.retrieval.conftest import Library
from tests.workers import wait_until

CHROMA = Path(sys.executable).with_name("chroma")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("server")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(CHROMA), "run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)],
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, (folder / "log").read_text()
        try:
            return httpx.get(f"{url}/api/v2/heartbeat").is_success
        except httpx.HTTPError:
            return False

    wait_until(answers)
    yield url
    process.terminate()
    process.wait()


def build(library: Library, url: str) -> None:
    files = find_files([library.folder], library.workspace.root)
    with knowledge.publishing(library.paths, "docs", "a test"):
        build_index(library.paths, "docs", files, library.embedder, IndexSettings(chroma=url))


def test_vectors_on_a_server_are_searched_like_those_in_the_table(unbuilt: Library, server: str) -> None:
    build(unbuilt, server)
    with knowledge.open_generation(unbuilt.paths, "docs") as generation:
        assert not (generation.folder / vector_index.FOLDER).exists()
        exact = ExactIndex(generation.vectors())
        remote = GraphIndex(generation, [chunk.id for chunk in generation.chunks()])
        query = unbuilt.embedder.embed(["when are you open?"])[0]
        assert [at for at, _ in remote.best(query, 3)] == [at for at, _ in exact.best(query, 3)]
        remote.close()


def test_a_refresh_makes_a_collection_of_its_own_and_old_ones_go(unbuilt: Library, server: str) -> None:
    for text in ("one", "two", "three"):
        unbuilt.write(extra=f"Something new, number {text}.")
        build(unbuilt, server)
    prefix = knowledge.collection_prefix(unbuilt.paths.knowledge / "docs")
    with vector_index.connected(server) as client:
        mine = sorted(one.name for one in client.list_collections() if one.name.startswith(prefix))
    assert mine == [f"{prefix}2", f"{prefix}3"]


def test_a_lost_collection_is_told_with_the_remedy(unbuilt: Library, server: str) -> None:
    build(unbuilt, server)
    vector_index.remove_from_server(server, knowledge.collection_prefix(unbuilt.paths.knowledge / "docs"), [])
    with (
        knowledge.open_generation(unbuilt.paths, "docs") as generation,
        pytest.raises(MissingError, match="does not hold the vectors"),
    ):
        generation.vector_index()


def test_a_server_that_does_not_answer_is_told_and_nothing_published(unbuilt: Library) -> None:
    with pytest.raises(MissingError, match="does not answer"):
        build(unbuilt, "http://127.0.0.1:9")
    assert knowledge.current(unbuilt.paths, "docs") is None


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://x", "http://", "http://host/path"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="no address"), vector_index.connected(url):
        pass
