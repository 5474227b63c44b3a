"""Where things lie: in a workspace, in the user's runtime folder, in the environment that set-up made.

Names only; nothing is created or read here.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

SETTINGS = "temper.toml"


class WorkspacePaths:
    """The places of one workspace (see the README's section on a workspace)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings = root / SETTINGS
        self.data = root / "data"
        self.evals = root / "evals"
        self.labels = root / "labels"
        self.adapters = root / "adapters"
        self.derived = root / ".temper"
        self.runs = self.derived / "runs"
        self.datasets = self.derived / "datasets"
        self.knowledge = self.derived / "knowledge"
        self.models = self.derived / "models"
        self.traces = self.derived / "traces"
        self.ledger = self.derived / "ledger.duckdb"
        self.server = self.derived / "server.json"
        self.server_lock = self.derived / "server.lock"
        self.server_log = self.derived / "server.log"


def find_workspace(start: Path) -> Path | None:
    """The nearest folder at or above `start` that holds temper.toml."""
    for folder in (start, *start.parents):
        if (folder / SETTINGS).is_file():
            return folder
    return None


def runtime_dir() -> Path:
    """Machine-wide, per user, gone at reboot: where device locks lie. `TEMPER_RUNTIME_DIR` overrides."""
    if chosen := os.environ.get("TEMPER_RUNTIME_DIR"):
        return Path(chosen)
    if base := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(base) / "temper"
    return Path(tempfile.gettempdir()) / f"temper-{os.getuid()}"


def share_dir() -> Path:
    """What set-up put into the environment: llama.cpp's converter and the default embedder."""
    return Path(sys.prefix) / "share" / "temper"


def converter_dir() -> Path:
    """llama.cpp's own converter, at the runtime's revision."""
    return share_dir() / "llama.cpp"


def default_embedder() -> Path:
    """The GGUF embedding model that set-up made."""
    return share_dir() / "embedders" / "all-minilm-l6-v2.gguf"
