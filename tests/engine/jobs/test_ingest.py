"""The ingest job in its real, detached worker: built, refreshed, stopped, killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.jobs import launch
from engine.jobs.ingest import IngestParams
from store import knowledge, runs
from store.errors import ExitCode
from store.paths import default_embedder
from store.records.events import Notice, Progress
from store.runs import RunFolder
from store.workspace import Workspace
from tests.workers import await_event, end, events_of, kill, wait_until

SETTINGS = """
[knowledge.docs]
sources = ["knowledge"]
chunk_tokens = 64
"""
SENTENCE = "Passage {n} tells of gas, wallets and phrases in order number {n}. "

pytestmark = pytest.mark.skipif(
    not default_embedder().is_file(), reason="no embedder (scripts/setup makes it)"
)


@pytest.fixture
def library(workspace: Workspace) -> Workspace:
    """The workspace with a small knowledge base in its settings."""
    with workspace.paths.settings.open("a", encoding="utf-8") as file:
        file.write(SETTINGS)
    write(workspace, "fees.md", "# Fees\n\nA transfer pays gas.\n")
    write(workspace, "photo.png", "not text")
    return Workspace(workspace.root)


def write(workspace: Workspace, name: str, text: str) -> None:
    path = workspace.root / "knowledge" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_long(workspace: Workspace) -> None:
    """A document that takes far longer to embed than a test waits."""
    write(workspace, "long.txt", "".join(SENTENCE.format(n=n) for n in range(4_000)))


def start(workspace: Workspace, **params: object) -> RunFolder:
    return launch.start(workspace, "ingest", IngestParams("docs", **params), "ingest docs")  # type: ignore[arg-type]


def await_embedding(folder: RunFolder) -> None:
    """Return once the run is in the middle of embedding."""
    await_event(folder, Progress)
    wait_until(lambda: any(event.phase == "embed" for event in events_of(folder, Progress)))  # type: ignore[union-attr]


def docs(workspace: Workspace) -> list[str]:
    with knowledge.open_generation(workspace.paths, "docs") as generation:
        return sorted({chunk.doc for chunk in generation.chunks()})


def test_a_build_reports_what_it_did_and_a_refresh_only_what_is_new(library: Workspace) -> None:
    first = start(library)
    end(first)
    result = runs.view(first).result
    assert result.pop("seconds") > 0
    assert list(result.pop("stages")) == ["read", "embed", "tables", "chroma", "lexical", "swap"]
    assert result == {
        "kb": "docs",
        "generation": 1,
        "new": True,
        "documents": 1,
        "unchanged": 0,
        "chunks": 1,
        "embedded": 1,
        "reused": 0,
        "cut": 0,
        "skipped": {"knowledge/photo.png": ".png is not a kind of document that is read"},
    }
    assert [event.title for event in events_of(first, Notice)] == ["1 files skipped"]  # type: ignore[union-attr]
    phases = [event.phase for event in events_of(first, Progress)]  # type: ignore[union-attr]
    assert list(dict.fromkeys(phases)) == ["read", "embed", "publish"]
    write(library, "opening.md", "# Opening\n\nFrom nine to five.\n")
    second = start(library)
    end(second)
    view = runs.view(second)
    assert (view.state, view.result["generation"], view.result["embedded"]) == ("finished", 2, 1)
    assert docs(library) == ["knowledge/fees.md", "knowledge/opening.md"]


def test_what_a_killed_run_has_embedded_is_not_embedded_again(library: Workspace) -> None:
    write_long(library)
    killed = start(library, chunk_tokens=16)
    await_embedding(killed)
    wait_until(lambda: bool(progress_of(killed)) and progress_of(killed)[-1] >= 64)
    kill(killed)
    write(library, "long.txt", "".join(SENTENCE.format(n=n) for n in range(40)))
    again = start(library, chunk_tokens=16)
    end(again)
    result = runs.view(again).result
    assert result["reused"] > 0
    assert result["embedded"] + result["reused"] == result["chunks"]
    assert not knowledge.embedded_folder(library.paths, "docs").exists()


def progress_of(folder: RunFolder) -> list[int]:
    """How many passages were embedded, event by event."""
    return [event.done for event in events_of(folder, Progress) if event.phase == "embed"]  # type: ignore[union-attr]


def test_stop_publishes_nothing_and_kill_nine_leaves_the_old_one(library: Workspace) -> None:
    end(start(library))
    write_long(library)
    stopped = start(library)
    await_embedding(stopped)
    stopped.request_stop()
    end(stopped)
    assert runs.view(stopped).state == "cancelled"
    assert docs(library) == ["knowledge/fees.md"]
    killed = start(library)
    await_embedding(killed)
    busy = start(library)
    end(busy)
    error = runs.view(busy).error
    assert error is not None
    assert (error.exit_code, killed.run_id in error.happened) == (ExitCode.BUSY, True)
    kill(killed)
    assert runs.view(killed).state == "died"
    assert docs(library) == ["knowledge/fees.md"]
    write(library, "long.txt", "Short by now.")
    after = start(library)
    end(after)
    assert runs.view(after).state == "finished"
    assert docs(library) == ["knowledge/fees.md", "knowledge/long.txt"]


def test_what_the_parameters_say_comes_before_the_settings(library: Workspace, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("Elsewhere.", encoding="utf-8")
    folder = start(library, sources=[str(tmp_path / "other.txt")])
    end(folder)
    assert docs(library) == [(tmp_path / "other.txt").as_posix()]


@pytest.mark.parametrize(
    ("settings", "code", "said"),
    [
        ('sources = ["nowhere"]', ExitCode.MISSING, "nowhere does not exist"),
        ('sources = ["knowledge"]\nembedder = "gone.gguf"', ExitCode.MISSING, "gone.gguf is no file"),
        ('sources = ["models"]', ExitCode.USAGE, ".bin is not a kind"),
    ],
)
def test_what_cannot_be_built_fails_with_its_reason(
    workspace: Workspace, settings: str, code: ExitCode, said: str
) -> None:
    with workspace.paths.settings.open("a", encoding="utf-8") as file:
        file.write(f"[knowledge.docs]\n{settings}\n")
    write(workspace, "fees.md", "A transfer pays gas.\n")
    (workspace.root / "models").mkdir()
    (workspace.root / "models" / "weights.bin").write_bytes(b"weights")
    folder = start(workspace)
    end(folder)
    error = runs.view(folder).error
    assert error is not None
    assert (error.exit_code, said in error.happened) == (code, True), error
