"""One server for the tests of this room: starting one takes seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.serving.client import ensure_server
from store.records.serving import ServerFile
from store.workspace import Workspace
from tests.engine.serving.stage import make_workspace, server_of, stop
from tests.ggufs import tiny_f32


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    patch = pytest.MonkeyPatch()
    patch.setenv("TEMPER_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    workspace = make_workspace(tmp_path_factory.mktemp("served"), tiny_f32())
    yield workspace
    stop(workspace)
    patch.undo()


@pytest.fixture
def server(workspace: Workspace) -> ServerFile:
    """The running server, started with the first test."""
    ensure_server(workspace).close()
    return server_of(workspace)
