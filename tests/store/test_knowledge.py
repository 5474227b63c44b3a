"""Generations of a knowledge base: published whole, read until nobody needs them, real Chroma inside."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from store import atomic, chunk_table, clock, knowledge, vector_index
from store.errors import BusyError, MissingError, TemperError
from store.paths import WorkspacePaths
from store.records.knowledge import Chunk, Manifest

DIMENSION = 4
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def paths(tmp_path: Path) -> WorkspacePaths:
    return WorkspacePaths(tmp_path)


def unit(index: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A vector of length 1 that is near only itself."""
    vector = np.full(DIMENSION, 0.1, dtype=np.float32)
    vector[index % DIMENSION] = 1.0
    return vector / np.linalg.norm(vector)


def write(folder: Path, number: int, texts: list[str], *, indexed: bool = False) -> Manifest:
    """A generation of one chunk per text, with Chroma where it is needed: it takes seconds to import."""
    chunks = [Chunk(f"d{at}", f"d{at}.md", 0, len(text), text) for at, text in enumerate(texts)]
    vectors = np.array([unit(at) for at in range(len(texts))], dtype=np.float32).reshape(-1, DIMENSION)
    chunk_table.write(folder, chunks, vectors)
    if indexed:
        vector_index.write(folder, [c.id for c in chunks], vectors, [{"doc": c.doc} for c in chunks])
    return Manifest("kb", number, clock.stamp(), len(texts), len(texts), DIMENSION, "e.gguf", "0" * 64, 200)


def build(paths: WorkspacePaths, *texts: str, indexed: bool = False) -> Manifest:
    """Publish a generation."""

    def fill(folder: Path, number: int) -> Manifest:
        return write(folder, number, list(texts), indexed=indexed)

    with knowledge.publishing(paths, "kb", "a test"):
        return knowledge.publish(paths, "kb", fill)


def texts_of(generation: knowledge.Generation) -> list[str]:
    return [chunk.text for chunk in generation.chunks()]


def test_what_was_published_is_read_back(paths: WorkspacePaths) -> None:
    build(paths, "one", "two", "three", indexed=True)
    with knowledge.open_generation(paths, "kb") as generation:
        assert texts_of(generation) == ["one", "two", "three"]
        assert np.array_equal(generation.vectors(), [unit(0), unit(1), unit(2)])
        index = generation.vector_index()
        (best, similarity), _ = index.nearest(unit(1), 2)
        assert best == "d1"
        assert similarity == pytest.approx(1.0, abs=1e-5)
        assert len(index.nearest(unit(1), 50)) == 3
        index.close()
    assert knowledge.names(paths) == ["kb"]


def test_an_empty_generation_finds_nothing(paths: WorkspacePaths) -> None:
    build(paths, indexed=True)
    with knowledge.open_generation(paths, "kb") as generation:
        assert generation.chunks() == []
        assert generation.vectors().shape == (0, DIMENSION)
        index = generation.vector_index()
        assert index.nearest(unit(0), 5) == []
        index.close()


def test_texts_are_not_in_chroma(paths: WorkspacePaths) -> None:
    build(paths, "a sentence that only the table holds", indexed=True)
    files = [file for file in paths.knowledge.rglob("chroma/**/*") if file.is_file()]
    assert files
    assert not any(b"only the table holds" in file.read_bytes() for file in files)


def test_a_reader_sees_the_old_generation_until_the_swap(paths: WorkspacePaths) -> None:
    build(paths, "old")

    def look_around(folder: Path, number: int) -> Manifest:
        manifest = write(folder, number, ["new"])
        with knowledge.open_generation(paths, "kb") as during:
            assert texts_of(during) == ["old"]
        return manifest

    with knowledge.open_generation(paths, "kb") as before:
        with knowledge.publishing(paths, "kb", "a test"):
            knowledge.publish(paths, "kb", look_around)
        assert texts_of(before) == ["old"]
    with knowledge.open_generation(paths, "kb") as after:
        assert texts_of(after) == ["new"]


def test_a_failed_generation_leaves_no_trace(paths: WorkspacePaths) -> None:
    build(paths, "old")

    def fail(folder: Path, number: int) -> Manifest:
        write(folder, number, ["new"])
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError), knowledge.publishing(paths, "kb", "a test"):
        knowledge.publish(paths, "kb", fail)
    assert knowledge.generations(paths, "kb") == [1]
    assert sorted(path.name for path in (paths.knowledge / "kb" / "generations").iterdir()) == ["1"]
    assert knowledge.load_manifest(paths, "kb").generation == 1


def test_the_last_two_generations_stay(paths: WorkspacePaths) -> None:
    for number in range(4):
        build(paths, f"text {number}")
    assert knowledge.generations(paths, "kb") == [3, 4]


def test_a_generation_that_is_read_is_not_removed(paths: WorkspacePaths) -> None:
    build(paths, "first")
    with knowledge.open_generation(paths, "kb") as reading:
        for number in range(3):
            build(paths, f"text {number}")
        assert knowledge.generations(paths, "kb") == [1, 3, 4]
        assert texts_of(reading) == ["first"]
    build(paths, "last")
    assert knowledge.generations(paths, "kb") == [4, 5]


def test_a_second_publisher_is_told_who_is_at_it(paths: WorkspacePaths) -> None:
    with (
        knowledge.publishing(paths, "kb", "ingest-1"),
        pytest.raises(BusyError, match=f"ingest-1 \\(pid {os.getpid()}\\)"),
        knowledge.publishing(paths, "kb", "ingest-2"),
    ):
        pass
    with knowledge.publishing(paths, "kb", "ingest-3"):
        pass


def test_a_base_that_was_never_built_says_how_to_build_it(paths: WorkspacePaths) -> None:
    with pytest.raises(MissingError) as caught:
        knowledge.open_generation(paths, "docs")
    assert "temper kb ingest --kb docs" in caught.value.remedy


@pytest.mark.parametrize("name", ["manifest.json", "chunks.parquet"])
def test_a_damaged_file_is_named_with_its_cure(paths: WorkspacePaths, name: str) -> None:
    build(paths, "one")
    (paths.knowledge / "kb" / "generations" / "1" / name).write_bytes(b"{}")
    with (
        pytest.raises(TemperError, match=name) as caught,
        knowledge.open_generation(paths, "kb") as generation,
    ):
        generation.chunks()
    assert "temper kb ingest --kb kb" in caught.value.remedy


def hold_half_made(root: Path, ready: Connection) -> None:
    """Another process: stops in the middle of making a generation, to be killed there."""
    paths = WorkspacePaths(root)

    def never_done(folder: Path, number: int) -> Manifest:
        write(folder, number, ["half"])
        ready.send(folder.name)
        signal.pause()
        raise AssertionError

    with knowledge.publishing(paths, "kb", "a process to be killed"):
        knowledge.publish(paths, "kb", never_done)


def test_kill_nine_in_the_middle_leaves_the_old_one_and_the_next_cleans_up(paths: WorkspacePaths) -> None:
    build(paths, "old")
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=hold_half_made, args=(paths.root, theirs))
    process.start()
    assert ours.poll(30)
    half_made = paths.knowledge / "kb" / "generations" / ours.recv()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(10)
    ours.close()
    theirs.close()
    assert half_made.is_dir()
    with knowledge.open_generation(paths, "kb") as generation:
        assert texts_of(generation) == ["old"]
    assert build(paths, "new").generation == 2
    assert not half_made.exists()


def test_a_crash_between_folder_and_pointer_leaves_the_old_one(
    paths: WorkspacePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(paths, "old")

    def refuse(path: Path, text: str, mode: int = 0o644) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "write_text", refuse)
        with pytest.raises(KeyboardInterrupt):
            build(paths, "lost")
    assert knowledge.load_manifest(paths, "kb").generation == 1
    assert build(paths, "new").generation == 3
    with knowledge.open_generation(paths, "kb") as generation:
        assert texts_of(generation) == ["new"]
