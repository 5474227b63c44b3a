"""Rows whose text changes: encodings repaired, private text masked. Each gets a new id and keeps the old."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from engine.data.examples import content_hash
from engine.data.fixes.encoding import repaired_example
from engine.data.privacy.detector import Detector, kinds_of
from engine.data.private_rows import masked_example
from store.records.data import Example

WAS = "was"
"""The metadata key under which a changed row keeps the id that it had."""


class Rewriter:
    """Changes rows as asked. `taken` are the ids of all rows of the parent version.

    `rows` counts changed rows by operation, `values` what was masked.
    """

    def __init__(self, mask: Sequence[str], repair: bool, taken: Iterable[str]) -> None:
        self.rows: Counter[str] = Counter()
        self.values = 0
        self._taken = set(taken)
        self._mask = mask
        self._repair = repair
        self._detector = Detector(kinds_of(mask)) if mask else None

    def rewrite(self, example: Example) -> Example:
        """The row as it will be; itself where nothing changes."""
        changed = example
        if self._repair and (repaired := repaired_example(changed)) is not changed:
            changed = repaired
            self.rows["repair encoding"] += 1
        if self._detector is not None:
            masked, values = masked_example(changed, self._detector)
            if masked is not changed:
                changed = masked
                self.values += values
                self.rows[f"mask {','.join(self._mask)}"] += 1
        return changed if changed is example else self._renamed(changed, example.row)

    def _renamed(self, example: Example, was: str) -> Example:
        content = content_hash(example)
        row, number = content, 1
        while row in self._taken:
            number += 1
            row = f"{content}-{number}"
        self._taken.add(row)
        return msgspec.structs.replace(example, row=row, metadata={**example.metadata, WAS: was})
