"""A workspace to keep made files in."""

from __future__ import annotations

from pathlib import Path

import pytest

from store.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "wallet").mkdir()
    (tmp_path / "wallet" / "temper.toml").write_text("", encoding="utf-8")
    return Workspace(tmp_path / "wallet")
