"""Calling `temper` on a machine that has no installed command: the same program, by its module."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from scripts.gpu.plan import ROOT

TEMPER = "import sys; from app.cli.main import main; sys.argv[0] = 'temper'; sys.exit(main())"
REFUSED = 5
"""The exit code of a check that said no: what it found stands in the answer all the same."""


class Temper:
    """A workspace of the support template in the new folder `root`, and commands in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.call("init", str(root), "--template", "support", where=root.parent)

    def ask(self, *words: str) -> Any:
        """`temper WORDS --json` and what it printed. Raises CalledProcessError."""
        return json.loads(self.call(*words, "--json"))

    def call(self, *words: str, where: Path | None = None) -> str:
        """`temper WORDS`, and its stdout; what it says besides goes to stderr."""
        done = subprocess.run(
            command(*words), cwd=where or self.root, env=environment(), stdout=subprocess.PIPE, text=True
        )
        if done.returncode not in (0, REFUSED):
            raise subprocess.CalledProcessError(done.returncode, ["temper", *words], done.stdout[-1000:])
        return done.stdout


def command(*words: str) -> list[str]:
    """The command line."""
    return [sys.executable, "-c", TEMPER, *words]


def environment() -> dict[str, str]:
    """With this repository on Python's path, wherever the command runs."""
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
