"""Calling `temper` as a user would, in one workspace, and keeping the lines that were typed."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from engine.jobs import versions as installed

TEMPER = Path(sys.executable).with_name("temper")


class Commands:
    """Runs commands in the workspace `root`; `said` holds them as they would be typed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.said: list[str] = []

    def run(self, *words: str | Path) -> Any:
        """`temper WORDS --json` and what it printed. Raises CalledProcessError; progress goes to stderr."""
        typed = [str(word) for word in words]
        self.said.append(shlex.join(["temper", *typed]))
        print(f"$ {self.said[-1]}", file=sys.stderr, flush=True)
        where = self.root if self.root.is_dir() else self.root.parent
        command = [str(TEMPER), *typed, "--json"]
        done = subprocess.run(command, cwd=where, stdout=subprocess.PIPE, check=True, text=True)
        return json.loads(done.stdout)

    def write(self, relative: str, text: str) -> None:
        """A file of the workspace."""
        path = self.root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def shared_data() -> Path | None:
    """The folder of real data, if it is there."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("TEMPER_SHARED_DATA", beside))
    return folder if folder.is_dir() else None


def versions() -> str:
    """What ran, in one line."""
    packages = [f"{name} {version}" for name, version in installed.versions().items()]
    return ", ".join([f"Python {platform.python_version()}", *packages, f"{os.cpu_count()} cores"])
