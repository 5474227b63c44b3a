"""What the checks for personal data and for secrets share: every text of a row, searched once.

Both checks look at the same row one after the other; the finds of the last row are kept for the second.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.data.checks.contract import Kind
from engine.data.privacy.detector import Detector
from engine.data.privacy.evidence import note
from engine.data.privacy.found import Found
from engine.data.private_rows import texts_of
from store.records.data import Example

MOST_NOTES = 3


class PrivacyScan:
    """A row scan for the kinds of things that `kinds` name after the slash."""

    def __init__(self, kinds: tuple[Kind, ...]) -> None:
        self.kinds = kinds
        self._check = {kind.id.partition("/")[2]: kind.id for kind in kinds}

    def scan(self, example: Example) -> Iterator[tuple[str, str]]:
        """Each kind that the row holds, with the first few finds, masked."""
        evidence: dict[str, list[str]] = {}
        for found in _last.found(example):
            if found.kind in self._check:
                evidence.setdefault(found.kind, []).append(note(found))
        for kind, notes in evidence.items():
            shown = list(dict.fromkeys(notes))
            more = f" and {len(shown) - MOST_NOTES} more" if len(shown) > MOST_NOTES else ""
            yield self._check[kind], ", ".join(shown[:MOST_NOTES]) + more


class _Last:
    """The finds of the row that was searched last."""

    def __init__(self) -> None:
        self._detector = Detector()
        self._example: Example | None = None
        self._found: list[Found] = []

    def found(self, example: Example) -> list[Found]:
        if self._example is not example:
            self._found = [one for text in texts_of(example) if text for one in self._detector.find(text)]
            self._example = example
        return self._found


_last = _Last()
