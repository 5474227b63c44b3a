"""What was taken over of another tool's suite, and what was not."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.evals.adding import free_id
from store.records.evals import Case, Suite

SHOWN = 8
"""Cases that are named in a line; `--json` has all of them."""


class Left(msgspec.Struct):
    """Something that could not be taken over, and the ids of the cases that lack it; none for the whole.

    `count`: how often it stood there.
    """

    what: str
    cases: list[str] = []
    count: int = 0

    def __str__(self) -> str:
        if not self.cases:
            return self.what if self.count < 2 else f"{self.what} ({self.count} times)"
        more = len(self.cases) - SHOWN
        names = ", ".join(self.cases[:SHOWN]) + (f" and {more} more" if more > 0 else "")
        cases = f"{len(self.cases)} case{'s' if len(self.cases) > 1 else ''}"
        times = f"{self.count} times in {cases}" if self.count > len(self.cases) else cases
        return f"{self.what} ({times}: {names})"


class Imported(msgspec.Struct):
    """A suite as far as it could be taken over. `form` is the other tool's name, `source` the file's."""

    suite: Suite
    cases: list[Case]
    form: str
    source: str
    missing: dict[str, Left] = {}

    @property
    def left(self) -> list[Left]:
        """What could not be taken over, each thing once."""
        return list(self.missing.values())

    def leave(self, what: str, case: str = "") -> None:
        """Note that something could not be taken over, of one case or of the whole file."""
        left = self.missing.setdefault(what, Left(what))
        left.count += 1
        if case and case not in left.cases:
            left.cases.append(case)

    def add(self, case: Case) -> None:
        """One more case, under an id of its own."""
        self._taken = self._taken if self._taken else {one.id for one in self.cases}
        case.id = free_id(case.id, self._taken)
        self._taken.add(case.id)
        self.cases.append(case)

    _taken: set[str] = set()


def started(path: Path, form: str) -> Imported:
    """An empty suite to take the cases of a file over into."""
    return Imported(Suite(path.stem, [], []), [], form, path.name)
