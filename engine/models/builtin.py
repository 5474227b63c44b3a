"""What ships inside the package: the embedded tiny base model."""

from __future__ import annotations

from pathlib import Path

PREFIX = "builtin:"


def builtin_directory(name: str) -> Path:
    """Where the embedded model `name` lies (it may not exist)."""
    return Path(__file__).parent.parent / "builtin" / name
