"""A workspace, empty or with one of everything, and questions to its ledger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store import ledger
from store.paths import WorkspacePaths
from tests.store.ledger.stage import fill


@pytest.fixture
def paths(tmp_path: Path) -> WorkspacePaths:
    return WorkspacePaths(tmp_path)


@pytest.fixture
def full(paths: WorkspacePaths) -> WorkspacePaths:
    fill(paths)
    return paths


@pytest.fixture
def ask(paths: WorkspacePaths) -> Callable[[str], list[list[Any]]]:
    """The rows that a query gives."""
    return lambda sql: ledger.query(paths, sql).rows
