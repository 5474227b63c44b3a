"""What the checks for personal data and for secrets share: every text of a row, searched once.

Both checks look at the same rows one after the other; the finds of the first are kept for the second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.data.checks.contract import Kind
from engine.data.privacy.detector import Detector
from engine.data.privacy.evidence import note
from engine.data.privacy.found import Found
from engine.data.private_rows import texts_of
from store.records.data import Example

MOST_NOTES = 3
MOST_ROWS = 1024
"""Finds are kept of so many rows at most."""


class PrivacyScan:
    """A row scan for the kinds of things that `kinds` name after the slash."""

    def __init__(self, kinds: tuple[Kind, ...]) -> None:
        self.kinds = kinds
        self._check = {kind.id.partition("/")[2]: kind.id for kind in kinds}

    def prepare(self, examples: Sequence[Example]) -> None:
        """Forget the rows before these."""
        _searched.clear()

    def scan(self, example: Example) -> Iterator[tuple[str, str]]:
        """Each kind that the row holds, with the first few finds, masked."""
        evidence: dict[str, list[str]] = {}
        for found in _searched.found(example):
            if found.kind in self._check:
                evidence.setdefault(found.kind, []).append(note(found))
        for kind, notes in evidence.items():
            shown = list(dict.fromkeys(notes))
            more = f" and {len(shown) - MOST_NOTES} more" if len(shown) > MOST_NOTES else ""
            yield self._check[kind], ", ".join(shown[:MOST_NOTES]) + more


class _Searched:
    """The finds of the rows that were searched last."""

    def __init__(self) -> None:
        self._detector = Detector()
        # by identity, and each row is held so that no other can have its own
        self._rows: dict[int, tuple[Example, list[Found]]] = {}

    def found(self, example: Example) -> list[Found]:
        """What stands in a row, searched once."""
        known = self._rows.get(id(example))
        if known is None:
            if len(self._rows) >= MOST_ROWS:
                self.clear()
            found = [one for text in texts_of(example) if text for one in self._detector.find(text)]
            known = self._rows[id(example)] = (example, found)
        return known[1]

    def clear(self) -> None:
        """Forget all rows."""
        self._rows.clear()


_searched = _Searched()
