"""Files of other tools on disk, read as suites."""

from __future__ import annotations

from pathlib import Path

from engine.evals.foreign import Imported, read_foreign


def laid_out(folder: Path, files: dict[str, str]) -> Path:
    """The first of these files, all written under `folder`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / next(iter(files))


def taken(folder: Path, files: dict[str, str]) -> Imported:
    """The suite in the first of these files."""
    return read_foreign(laid_out(folder, files))


def left(imported: Imported) -> list[str]:
    """What was not taken over, a line each."""
    return [str(one) for one in imported.left]
