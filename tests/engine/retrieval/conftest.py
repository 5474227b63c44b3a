"""The real embedder that set-up made, and knowledge bases built with it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.inference.embedder import Embedder
from engine.retrieval.chunking.settings import ChunkSettings
from engine.retrieval.dense import EXACT_CHUNKS
from engine.retrieval.indexing import Built, IndexSettings, build_index
from engine.retrieval.readers import find_files
from store import knowledge
from store.paths import default_embedder
from store.workspace import Workspace

DOCUMENTS = {
    "recovery.md": "# Recovery\n\nTwelve words in order restore a lost wallet. Keep them on paper.\n",
    "fees.md": "# Fees\n\nEvery transfer pays gas to the network, counted in gwei.\n",
    "opening.txt": "The office is open from nine to five.\n\nOn Sundays it is closed.\n",
}


@pytest.fixture(scope="session")
def embedder_file() -> Path:
    path = default_embedder()
    if not path.is_file():
        pytest.skip(f"no embedder at {path} (scripts/setup makes it)")
    return path


@pytest.fixture(scope="session")
def embedder(embedder_file: Path) -> Iterator[Embedder]:
    with Embedder(embedder_file) as opened:
        yield opened


class Library:
    """A workspace with the knowledge base `docs` over its folder `knowledge`."""

    def __init__(self, root: Path, embedder: Embedder) -> None:
        self.folder = root / "knowledge"
        if not self.folder.exists():
            self.folder.mkdir()
            for name, text in DOCUMENTS.items():
                (self.folder / name).write_text(text, encoding="utf-8")
            settings = root / "temper.toml"
            settings.write_text('[knowledge.docs]\nsources = ["knowledge"]\n', encoding="utf-8")
        self.workspace = Workspace(root)
        self.paths = self.workspace.paths
        self.embedder = embedder

    def write(self, **documents: str) -> None:
        """Documents by stem; their suffix is .md."""
        for stem, text in documents.items():
            (self.folder / f"{stem}.md").write_text(text, encoding="utf-8")

    def build(self, chunk_tokens: int = 200, graph_from: int = EXACT_CHUNKS) -> Built:
        """Ingest, as the job does."""
        files = find_files([self.folder], self.workspace.root)
        settings = IndexSettings(
            ChunkSettings(chunk_tokens=chunk_tokens),
            embedder_path=self.workspace.knowledge("docs").embedder,
            graph_from=graph_from,
        )
        with knowledge.publishing(self.paths, "docs", "a test"):
            return build_index(self.paths, "docs", files, self.embedder, settings)


@pytest.fixture
def unbuilt(tmp_path: Path, embedder: Embedder) -> Library:
    """Documents, and no knowledge base yet."""
    return Library(tmp_path, embedder)


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Library:
    """Built once, for tests that only look."""
    made = Library(tmp_path_factory.mktemp("shelf"), embedder)
    made.build()
    return made


@pytest.fixture
def library(tmp_path: Path, shelf: Library, embedder: Embedder) -> Library:
    """Built, and free to be changed: a copy costs less than a build."""
    shutil.copytree(shelf.workspace.root, tmp_path, dirs_exist_ok=True)
    return Library(tmp_path, embedder)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    beside = Path(__file__).resolve().parents[3].parent / "shared" / "data"
    folder = Path(os.environ.get("TEMPER_SHARED_DATA") or beside)
    if not folder.is_dir():
        pytest.skip(f"the real data is not at {folder} (set TEMPER_SHARED_DATA)")
    return folder
