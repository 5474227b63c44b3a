"""`temper kb`: build, search and list; the first builds with a worker, one search in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from store import knowledge, runs
from store.paths import default_embedder
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.workers import end

pytestmark = pytest.mark.skipif(
    not default_embedder().is_file(), reason="no embedder (scripts/setup makes it)"
)


@pytest.fixture
def documents(workspace: Workspace) -> Workspace:
    """The workspace with two documents for its knowledge base."""
    folder = workspace.root / "knowledge"
    (folder / "fees.md").write_text("# Fees\n\nA transfer pays gas, counted in gwei.\n", encoding="utf-8")
    (folder / "opening.md").write_text("The office is open from nine to five.\n", encoding="utf-8")
    return workspace


def test_a_base_is_built_searched_and_listed(temper: Temper, documents: Workspace) -> None:
    built = temper("kb", "ingest")
    assert (built.code, "docs: generation 1, 2 documents, 2 passages" in built.out) == (0, True), built.err
    found = temper("kb", "search", "when are you open?", "-k", "1", "--json")
    assert found.code == 0, found.err
    result = found.json()
    (hit,) = result["hits"]
    assert (result["kb"], result["generation"], hit["doc"]) == ("docs", 1, "knowledge/opening.md")
    text = (documents.root / hit["doc"]).read_text(encoding="utf-8")
    assert text[hit["start"] : hit["end"]] == hit["text"]
    assert hit["score"] > 0
    (row,) = temper("kb", "list", "--json").json()
    assert (row["kb"], row["generation"], row["documents"], row["chunks"]) == ("docs", 1, 2, 2)
    again = temper("kb", "ingest", "--json").json()
    assert (again["generation"], again["new"], again["embedded"]) == (1, False, 0)
    assert "[1] knowledge/fees.md" in temper("kb", "search", "gwei").out


def test_a_path_and_a_new_name_are_written_to_the_settings(
    temper: Temper, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace.root / "notes").mkdir()
    (workspace.root / "notes" / "one.txt").write_text("A note.", encoding="utf-8")
    (tmp_path / "two.txt").write_text("Another note.", encoding="utf-8")
    monkeypatch.chdir(workspace.root / "notes")
    started = temper("kb", "ingest", ".", "--kb", "notes", "--no-watch")
    assert "Added [knowledge.notes]" in started.err
    end(runs.find(workspace.paths.runs, started.out.strip()))
    assert Workspace(workspace.root).knowledge("notes").sources == ["notes"]
    more = temper("kb", "ingest", "one.txt", str(tmp_path / "two.txt"), "--kb", "notes")
    assert more.code == 0, more.err
    assert Workspace(workspace.root).knowledge("notes").sources == [
        "notes",
        "notes/one.txt",
        str(tmp_path / "two.txt"),
    ]
    assert knowledge.load_manifest(workspace.paths, "notes").documents == 2


def test_other_settings_of_a_base_are_kept_when_a_source_is_added(
    temper: Temper, workspace: Workspace
) -> None:
    workspace.amend("knowledge", "docs", {"sources": ["knowledge"], "chunk_tokens": 48})
    (workspace.root / "extra.md").write_text("More.", encoding="utf-8")
    assert temper("kb", "ingest", "extra.md", "--no-watch").code == 0
    settings = Workspace(workspace.root).knowledge("docs")
    assert (settings.sources, settings.chunk_tokens) == (["knowledge", "extra.md"], 48)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["search", "x"], 3, "temper kb ingest --kb docs"),
        (["search", "x", "--kb", "dosc"], 2, "Did you mean 'docs'"),
        (["ingest", "no/such/folder"], 3, "does not exist"),
        (["ingest", "knowledge", "--kb", "../docs"], 2, "cannot be a knowledge base's name"),
        (["ingest", "--kb", "other"], 2, "temper kb ingest PATH --kb other"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(
    temper: Temper, workspace: Workspace, words: list[str], code: int, said: str
) -> None:
    ended = temper("kb", *words)
    assert (ended.code, said in ended.err) == (code, True), ended.err
    assert runs.list_folders(workspace.paths.runs) == []


def test_with_several_bases_the_default_is_meant_or_asked_for(temper: Temper, workspace: Workspace) -> None:
    workspace.amend("knowledge", "other", {"sources": ["data"]})
    assert "Which knowledge base" in temper("kb", "search", "x").err
    workspace.amend("defaults", "", {"knowledge": "other"})
    assert "--kb other" in temper("kb", "search", "x").err


def test_no_base_at_all_says_how_to_make_one(temper: Temper, workspace: Workspace) -> None:
    workspace.paths.settings.write_text("", encoding="utf-8")
    assert "temper kb ingest FOLDER --kb NAME" in temper("kb", "search", "x").err
    listed = temper("kb", "list")
    assert (listed.code, "No knowledge base yet" in listed.err) == (0, True)


def test_nothing_heavy_is_loaded_to_search_or_list(documents: Workspace) -> None:
    code = (
        "import sys; sys.argv = ['temper', 'kb', *sys.argv[1:]]\n"
        "from app.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'chromadb', 'llama_cpp', 'torch', 'duckdb', 'numpy'} & set(sys.modules)))"
    )
    for words in (["list"], ["search", "x"]):
        command = [sys.executable, "-P", "-c", code, *words]
        done = subprocess.run(command, cwd=documents.root, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.usefixtures("here")
def test_generations_are_listed_rolled_back_to_and_removed(temper: Temper, documents: Workspace) -> None:
    for text in ("first", "second", "third"):
        (documents.root / "knowledge" / "opening.md").write_text(f"The {text} text.\n", encoding="utf-8")
        assert temper("kb", "ingest").code == 0
    listed = temper("kb", "list", "--kb", "docs", "--json").json()
    assert [(row["generation"], row["published"]) for row in listed] == [(2, False), (3, True)]
    back = temper("kb", "rollback", "--json")
    assert back.json() == {"kb": "docs", "was": 3, "generation": 2, "embedder": ""}
    assert "second text" in temper("kb", "show", "opening.md").out
    assert temper("kb", "rollback", "--to", "7").code == 3
    nothing = temper("kb", "rollback")
    assert (nothing.code, "`keep` in [knowledge.docs]" in nothing.err) == (2, True)
    assert temper("kb", "prune", "--keep", "1", "--json").json() == {
        "kb": "docs",
        "removed": [],
        "kept": [2, 3],
    }
    assert temper("kb", "rollback", "--to", "3").code == 0
    assert temper("kb", "prune", "--keep", "1", "--json").json() == {
        "kb": "docs",
        "removed": [2],
        "kept": [3],
    }


@pytest.mark.usefixtures("here")
def test_documents_their_passages_and_what_was_skipped_are_shown(
    temper: Temper, documents: Workspace
) -> None:
    folder = documents.root / "knowledge"
    (folder / "notes").mkdir()
    (folder / "notes" / "2024-01-31.md").write_text(
        "---\ntags: [a]\n---\n# Notes\n\nWords.\n", encoding="utf-8"
    )
    (folder / "photo.png").write_bytes(b"\x89PNG")
    assert "1 skipped, with reasons" in temper("kb", "ingest").err
    rows = temper("kb", "show", "--json").json()
    assert [(row["doc"], row["date"], row["tags"], row["passages"]) for row in rows] == [
        ("knowledge/fees.md", "", [], 1),
        ("knowledge/notes/2024-01-31.md", "2024-01-31", ["a"], 1),
        ("knowledge/opening.md", "", [], 1),
    ]
    shown = temper("kb", "show", "2024-01-31.md", "--json").json()
    (passage,) = shown["passages"]
    assert (
        shown["document"]["text"][passage["start"] : passage["end"]] == passage["text"] == "# Notes\n\nWords."
    )
    assert "photo.png" in temper("kb", "show", "--skipped").out
    assert "Which document is 'none.md'?" in temper("kb", "show", "none.md").err


@pytest.mark.usefixtures("here")
def test_another_embedder_is_built_beside_the_old_one_and_then_named(
    temper: Temper, documents: Workspace
) -> None:
    assert temper("kb", "ingest").code == 0
    (documents.root / "other.gguf").write_bytes(default_embedder().read_bytes() + b"\0")
    built = temper("kb", "ingest", "--embedder", str(documents.root / "other.gguf"), "--chunker", "sentences")
    assert (built.code, "all 2 passages are embedded anew" in built.err) == (0, True), built.err
    settings = Workspace(documents.root).knowledge("docs")
    assert (settings.embedder, settings.chunker) == ("other.gguf", "sentences")
    assert temper("kb", "search", "gwei", "--json").json()["generation"] == 2
    (documents.root / "other.gguf").unlink()
    gone = temper("kb", "search", "gwei")
    assert (gone.code, "The embedding model is not there" in gone.err) == (3, True)
    assert temper("kb", "rollback", "--json").json()["embedder"] == "builtin:minilm"
    assert temper("kb", "search", "gwei", "--json").json()["generation"] == 1
