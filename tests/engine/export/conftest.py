"""What the export tests share: exported files of the trained small base, and a workspace to keep them in."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.export.convert import to_gguf
from engine.export.merge import merge
from engine.models.directory import ModelDirectory
from store.workspace import Workspace
from tests.engine.conftest import Trained


@pytest.fixture(scope="session")
def merged(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small base with its adapter merged in."""
    return merge(ModelDirectory(trained.base), trained.adapter, tmp_path_factory.mktemp("merged") / "model")


@pytest.fixture(scope="session")
def merged_f32(merged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`merged` as a GGUF without any rounding."""
    return to_gguf(merged, tmp_path_factory.mktemp("gguf") / "merged-f32.gguf", "f32")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "wallet").mkdir()
    (tmp_path / "wallet" / "temper.toml").write_text("", encoding="utf-8")
    return Workspace(tmp_path / "wallet")
