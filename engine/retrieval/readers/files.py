"""Which files of the sources are looked at: not hidden ones, nor what a `.temperignore` names.

A `.temperignore` means what a .gitignore means, for the folder it lies in and those below. Reads no document.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pathspec import GitIgnoreSpec

from store.errors import MissingError, UsageError

IGNORE_FILE = ".temperignore"
NEVER = GitIgnoreSpec.from_lines(["node_modules/", "__pycache__/", "*.egg-info/", "site-packages/"])
"""What other programs put into folders of code: nobody's documents."""

Rules = tuple[tuple[Path, GitIgnoreSpec], ...]


def find_files(sources: Sequence[Path], root: Path) -> dict[str, Path]:
    """All files of `sources` (files and folders) by name: relative to `root` where they lie below it.

    A source that is named itself is always taken. Links to folders are not followed, so that no circle of
    them traps. Raises MissingError for a source that is not there, UsageError for an ignore file that cannot
    be read.
    """
    files = {}
    for source in sources:
        if not source.exists():
            raise MissingError(
                "A source of the knowledge base is not there",
                f"{source} does not exist.",
                "Check `sources` in temper.toml, or the path that you typed.",
            )
        for path in _walk(source) if source.is_dir() else [source]:
            inside = path.is_relative_to(root)
            name = path.relative_to(root).as_posix() if inside else path.as_posix()
            files[os.fsencode(name).decode("utf-8", errors="replace")] = path
    return dict(sorted(files.items()))


def _walk(top: Path) -> Iterator[Path]:
    rules: dict[str, Rules] = {str(top): ((top, NEVER),)}
    for parent, folders, names in os.walk(top):
        here = Path(parent)
        holding = rules.pop(parent) + _own_rules(here)
        folders[:] = sorted(
            name for name in folders if name[0] != "." and not _ignored(here / name, holding, folder=True)
        )
        rules |= {str(here / name): holding for name in folders}
        yield from (
            here / name
            for name in names
            if name[0] != "." and not _ignored(here / name, holding, folder=False)
        )


def _own_rules(folder: Path) -> Rules:
    path = folder / IGNORE_FILE
    try:
        return ((folder, GitIgnoreSpec.from_lines(path.read_text(encoding="utf-8").splitlines())),)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise UsageError(
            "An ignore file cannot be read", f"{path}: {error}", "Write it like a .gitignore, in UTF-8."
        ) from error


def _ignored(path: Path, rules: Rules, *, folder: bool) -> bool:
    """Whether the innermost rule that speaks of `path` takes it out."""
    for base, spec in reversed(rules):
        said = spec.check_file(path.relative_to(base).as_posix() + ("/" if folder else "")).include
        if said is not None:
            return said
    return False
