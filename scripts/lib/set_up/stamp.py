"""Whether set-up has anything to do: a stamp in .venv names all that the last one was made from."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Literal

from set_up.machine import Backend, fingerprint

Choice = Literal["cpu", "auto", "as before"]

SOURCES = ("constraints.txt", "pyproject.toml", "scripts/lib")


def make_key(root: Path, backend: Backend) -> str:
    """A hash of what the environment is made from: pins, needs, set-up, Python, place, machine, backend."""
    digest = hashlib.sha256()
    for source in SOURCES:
        path = root / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes() + b"\0")
    for word in (sys.version, str(root), fingerprint(), backend.kind):
        digest.update(word.encode() + b"\0")
    return digest.hexdigest()


def read(file: Path) -> dict[str, Any]:
    """The stamp, empty when there is none that can be read."""
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def is_current(file: Path, key: str) -> bool:
    """Whether the last set-up finished and was made from the same things."""
    return read(file).get("key") == key


def force_cpu(choice: Choice, file: Path) -> bool:
    """Whether to leave a GPU alone: asked for now, or last time (the other scripts ask for nothing)."""
    return choice == "cpu" or (choice == "as before" and read(file).get("force_cpu") is True)


def write(file: Path, key: str, forced: bool) -> None:
    """Say that set-up is finished. The last thing it does."""
    file.write_text(json.dumps({"key": key, "force_cpu": forced}) + "\n")
