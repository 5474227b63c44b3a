"""Three processes search while generations are published: every answer is one generation's, and whole."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from engine.inference.embedder import Embedder
from engine.retrieval.search import open_searcher
from store import knowledge
from store.workspace import Workspace
from tests.engine.retrieval.conftest import Library

SPAWN = multiprocessing.get_context("spawn")
TOPICS = ["gas fees", "lost phrases", "office hours", "hardware wallets"]
GENERATIONS = 5

Answer = tuple[int, str, list[tuple[str, str]]]
"""The generation, the question, and the hits: document and text, in the order of their names."""


def write(library: Library, version: int) -> None:
    """Every document says which version it is of; one comes and goes."""
    for at, topic in enumerate(TOPICS):
        library.write(
            **{f"doc{at}": f"# About {topic}\n\nVersion {version} tells of {topic}, number {at}.\n"}
        )
    odd = library.folder / "odd.md"
    if version % 2:
        odd.write_text(f"# Odd\n\nVersion {version} tells of something odd.\n", encoding="utf-8")
    else:
        odd.unlink(missing_ok=True)


def expected(version: int) -> list[tuple[str, str]]:
    """What a search for everything must find in a version, and nothing else."""
    found = [
        (f"knowledge/doc{at}.md", f"# About {topic}\n\nVersion {version} tells of {topic}, number {at}.")
        for at, topic in enumerate(TOPICS)
    ]
    odd = ("knowledge/odd.md", f"# Odd\n\nVersion {version} tells of something odd.")
    return sorted([*found, odd] if version % 2 else found)


def search_until(root: Path, pipe: Connection, done: Event) -> None:
    """Search without a pause, and once more after `done`; send all answers."""
    searcher = open_searcher(Workspace(root), "docs")
    pipe.send("ready")
    answers: list[Answer] = []
    try:
        last = False
        while True:
            for topic in TOPICS:
                result = searcher.search(f"which version tells of {topic}?", 50)
                hits = sorted((hit.doc, hit.text) for hit in result.hits)
                answers.append((result.generation, topic, hits))
            if last:
                break
            last = done.is_set()
    finally:
        searcher.close()
    pipe.send(answers)


def test_three_searching_processes_never_see_anything_wrong_missing_or_mixed(
    unbuilt: Library, embedder: Embedder
) -> None:
    for path in unbuilt.folder.iterdir():
        path.unlink()
    write(unbuilt, 1)
    unbuilt.build()
    done = SPAWN.Event()
    pipes, processes = [], []
    for _ in range(3):
        here, there = SPAWN.Pipe()
        process = SPAWN.Process(target=search_until, args=(unbuilt.workspace.root, there, done))
        process.start()
        pipes.append(here)
        processes.append(process)
    for pipe in pipes:
        assert pipe.recv() == "ready"
    for version in range(2, GENERATIONS + 1):
        write(unbuilt, version)
        unbuilt.build(graph_from=0 if version % 2 else 10**9)
    done.set()
    answers: list[list[Answer]] = [pipe.recv() for pipe in pipes]
    for process in processes:
        process.join()
    for one in answers:
        generations = [generation for generation, _, _ in one]
        assert generations == sorted(generations)  # never back
        assert generations[-1] == GENERATIONS
        for generation, _, hits in one:
            assert hits == expected(generation)
    assert {generation for one in answers for generation, _, _ in one} >= {1, GENERATIONS}


def test_a_reader_keeps_its_generation_while_others_come_and_go(unbuilt: Library) -> None:
    for path in unbuilt.folder.iterdir():
        path.unlink()
    write(unbuilt, 1)
    unbuilt.build()
    with knowledge.open_generation(unbuilt.paths, "docs") as first:
        for version in range(2, 6):
            write(unbuilt, version)
            unbuilt.build()
        assert knowledge.generations(unbuilt.paths, "docs") == [1, 4, 5]
        assert sorted((chunk.doc, chunk.text) for chunk in first.chunks()) == expected(1)
    write(unbuilt, 6)
    unbuilt.build()
    assert knowledge.generations(unbuilt.paths, "docs") == [5, 6]


@pytest.mark.parametrize("version", [1, 2])
def test_what_is_expected_differs_from_version_to_version(version: int) -> None:
    assert expected(version) != expected(version + 1)
    assert len(expected(version)) == 4 + version % 2
