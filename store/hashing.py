"""Hashes of files, read in pieces."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def sha256_of_file(path: Path) -> str:
    """The sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_files(paths: Iterable[Path]) -> str:
    """One sha256 over names and contents of `paths`, in hex; the folders they lie in do not matter."""
    combined = hashlib.sha256()
    for path in paths:
        combined.update(f"{path.name}\0{sha256_of_file(path)}\n".encode())
    return combined.hexdigest()


def sha256_of_text(text: str) -> str:
    """The sha256 of UTF-8 text, in hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
