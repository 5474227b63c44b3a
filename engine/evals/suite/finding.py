"""Which file a suite's name means."""

from __future__ import annotations

import difflib
from pathlib import Path

from store.errors import MissingError

SUFFIXES = (".yaml", ".yml", ".jsonl")
MOST_NAMED = 12


def find_suite(root: Path, reference: str, here: Path | None = None) -> Path:
    """The file that `reference` means: a path from `here` or from the workspace, or a name in evals/.

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
    known = sorted(path.name for path in (root / "evals").glob("*") if path.suffix in SUFFIXES)
    close = difflib.get_close_matches(asked.name, known, n=1)
    hint = f" Did you mean evals/{close[0]}?" if close else ""
    more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
    raise MissingError(
        "No such suite",
        f"{reference} is no file; evals/ holds {', '.join(known[:MOST_NAMED]) or 'none'}{more}.{hint}",
        "Name a YAML file with `name`, `cases` and `checks`.",
    )
