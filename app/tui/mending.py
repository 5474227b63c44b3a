"""Mends a finding by the command that its remedy names, as the user would type it. Knows no widget.

The command runs in a process of its own: masking a large dataset would make the keys wait. Call `mend` in
threads.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import msgspec

from store.errors import TemperError
from store.records.findings import Finding
from store.workspace import Workspace

_COMMAND = re.compile(r"temper data fix \S+ .+$")
_PROGRAM = "from app.cli.main import main; main()"


class _Made(msgspec.Struct):
    """The part of the command's answer that is told."""

    dataset: str
    version: int
    parent: str
    new: bool


def command_of(finding: Finding) -> str:
    """The command in a remedy; empty where the remedy is something else."""
    found = _COMMAND.search(finding.remedy.replace("\n", " "))
    return found.group() if found else ""


def is_simple(command: str) -> bool:
    """Whether a command can be run as it stands: conflicts by labels need decisions that it cannot make."""
    return bool(command) and "--resolve-conflicts labels" not in command


def mend(workspace: Workspace, command: str, reference: str) -> tuple[str, str]:
    """Run a fix on `name@version`; (the version that holds the outcome, what to tell of it).

    Raises TemperError with the command's own words when it refuses.
    """
    options = shlex.split(command)[4:]
    line = [sys.executable, "-P", "-c", _PROGRAM, "data", "fix", reference, *options, "--json"]
    done = subprocess.run(line, cwd=workspace.root, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip() or f"It ended with {done.returncode}."
        raise TemperError("The fix did not go through", said, f"Try it yourself: {command}")
    made = msgspec.json.decode(done.stdout, type=_Made)
    version = f"{made.dataset}@{made.version}"
    if not made.new:
        return version, f"{version} is as it was, or was there already."
    return version, f"{version} was made from {made.parent}. Check it with c."
