"""What the checks for personal data and for secrets share: every text of a row, searched once.

Both checks look at the same rows one after the other; the finds of the first are kept for the second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

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

    def prepare(self, examples: Sequence[Example]) -> None:
        """Search all of these, unless the other check has."""
        _searched.search(examples)

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
        """What stands in a row; it is searched alone where it was not among those."""
        if id(example) not in self._rows:
            self.search([example])
        return self._rows[id(example)][1]

    def search(self, examples: Sequence[Example]) -> None:
        """Search these rows, unless they were, and forget all others."""
        if examples and all(id(example) in self._rows for example in examples):
            return
        self._rows.clear()
        texts = [[text for text in texts_of(example) if text] for example in examples]
        found = iter(self._detector.find_many(chain.from_iterable(texts)))
        for example, own in zip(examples, texts, strict=True):
            self._rows[id(example)] = example, [one for _ in own for one in next(found)]


_searched = _Searched()
