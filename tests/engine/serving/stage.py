"""A workspace to serve from, and words for talking to its server."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec

from engine.serving.client import running_server
from store.locks import is_locked
from store.records.serving import ServerFile
from store.records.traces import Trace
from store.workspace import Workspace

SETTINGS = """
[models.tiny]
path = "{gguf}"
[variants.base]
model = "tiny"
[variants.base.sampling]
max_tokens = 16
[variants.other]
inherits = "base"
prompt = "other.md"
[defaults]
variant = "base"
"""


def make_workspace(root: Path, gguf: Path) -> Workspace:
    """A workspace whose models need no conversion."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "temper.toml").write_text(SETTINGS.format(gguf=gguf), encoding="utf-8")
    (root / "other.md").write_text("Be brief.", encoding="utf-8")
    return Workspace(root)


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for `condition`; fails when it does not come in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.01)


def server_of(workspace: Workspace) -> ServerFile:
    """The server that runs."""
    server = running_server(workspace.paths)
    assert server is not None
    return server


def call(
    server: ServerFile, method: str, path: str, body: Any = None, token: str | None = None
) -> httpx.Response:
    """One request."""
    headers = {"Authorization": f"Bearer {server.token if token is None else token}"}
    return httpx.request(method, server.url + path, json=body, headers=headers, timeout=60, trust_env=False)


def traces(workspace: Workspace) -> list[Trace]:
    """All traces, in the order of their writing."""
    files = sorted(workspace.paths.traces.glob("*.jsonl"))
    lines = [line for file in files for line in file.read_bytes().splitlines()]
    return [msgspec.json.decode(line, type=Trace) for line in lines]


def stop(workspace: Workspace) -> None:
    """No server is left when this returns."""
    if is_locked(workspace.paths.server_lock):
        until(lambda: workspace.paths.server.exists() or not is_locked(workspace.paths.server_lock))
        try:
            pid = msgspec.json.decode(workspace.paths.server.read_bytes(), type=ServerFile).pid
        except FileNotFoundError:
            return
        os.kill(pid, signal.SIGTERM)
        until(lambda: not is_locked(workspace.paths.server_lock))
