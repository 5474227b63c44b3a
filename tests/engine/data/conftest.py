"""A workspace to import into, and the real data beside the repository."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.data.importing import Imported, import_dataset
from store import datasets
from store.paths import WorkspacePaths
from store.records.data import Example, ImportOptions


@pytest.fixture
def paths(tmp_path: Path) -> WorkspacePaths:
    return WorkspacePaths(tmp_path / "workspace")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    beside = Path(__file__).resolve().parents[3].parent / "shared" / "data"
    folder = Path(os.environ.get("TEMPER_SHARED_DATA") or beside)
    if not folder.is_dir():
        pytest.skip(f"the real data is not at {folder} (set TEMPER_SHARED_DATA)")
    return folder


class Importing:
    """Imports bytes or files as dataset `d`, with options as keywords."""

    def __init__(self, paths: WorkspacePaths, folder: Path) -> None:
        self.paths = paths
        self.folder = folder

    def text(self, name: str, content: str | bytes, *, strict: bool = False, **options: Any) -> Imported:
        """Write a source file and import it."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.file(path, strict=strict, **options)

    def file(self, path: Path, *, strict: bool = False, **options: Any) -> Imported:
        """Import a file that is there."""
        asked = ImportOptions(**options)
        return import_dataset(self.paths, path, "d", asked, strict=strict)

    def rows(self, split: str = "all") -> list[Example]:
        """What was stored."""
        return datasets.read_rows(self.paths, f"d/{split}")


@pytest.fixture
def importing(paths: WorkspacePaths, tmp_path: Path) -> Importing:
    return Importing(paths, tmp_path)


@pytest.fixture
def drops() -> Callable[[Imported], list[tuple[int, str]]]:
    return lambda imported: [(drop.line, drop.reason) for drop in imported.info.dropped]
