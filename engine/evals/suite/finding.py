"""Which file a suite's name means."""

from __future__ import annotations

import difflib
from pathlib import Path

from engine.evals.forgetting import PACK
from store.errors import MissingError

SUFFIXES = (".yaml", ".yml", ".jsonl")
SHIPPED = {"forgetting": PACK}
"""Suites that come with Temper, by name. A suite of the workspace that is called the same goes before."""
MOST_NAMED = 12


def find_suite(root: Path, reference: str, here: Path | None = None) -> Path:
    """The file that `reference` means: a path from `here` or from the workspace, a name in evals/, or that of
    a suite that ships.

    Raises MissingError with the suites there are.
    """
    asked = Path(reference).expanduser()
    places = [(here or root) / asked, root / asked]
    places += [root / "evals" / f"{reference}{suffix}" for suffix in SUFFIXES]
    for place in places:
        if place.is_file():
            return place.resolve()
    gone = next((place for place in places if place.is_symlink()), None)
    if gone is not None:
        raise MissingError("The suite is gone", f"{gone} is a link to nothing.", "Mend the link.")
    if reference in SHIPPED:
        return SHIPPED[reference]
    known = sorted(path.name for path in (root / "evals").glob("*") if path.suffix in SUFFIXES)
    close = difflib.get_close_matches(asked.name, known, n=1)
    hint = f" Did you mean evals/{close[0]}?" if close else ""
    more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
    raise MissingError(
        "No such suite",
        f"{reference} is no file; evals/ holds {', '.join(known[:MOST_NAMED]) or 'none'}{more}.{hint} "
        f"Temper itself brings {', '.join(SHIPPED)}.",
        "Name a YAML file with `name`, `cases` and `checks`.",
    )


def named(root: Path, path: Path) -> str:
    """What a suite's file is called in commands and kept as in a run: its path from the workspace `root`, the
    name of one that ships, the whole path of any other.
    """
    shipped = next((name for name, pack in SHIPPED.items() if pack == path), None)
    return shipped or str(path.relative_to(root) if path.is_relative_to(root) else path)
