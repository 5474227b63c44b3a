"""From what a row scan noted in single rows to findings, once all rows are known.

A scan that can only judge a row by all others (the language of most rows, how most answers end) has a
`conclude`: it is given everything that the scan noted and makes the findings itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from engine.data.checks.contract import Basis, Kind, RowScan
from engine.data.checks.scanning import Hit
from store.records.findings import Finding


@runtime_checkable
class Concludes(Protocol):
    """A row scan that looks again at what it noted, in the light of all rows."""

    def conclude(self, hits: Sequence[Hit], basis: Basis) -> list[Finding]:
        """The findings that stand of `hits` (all of this scan's, in the order of the source)."""


def findings_of(scan: RowScan, hits: Sequence[Hit], basis: Basis) -> list[Finding]:
    """The findings of one scan, whose hits are among `hits`."""
    kinds = {kind.id for kind in scan.kinds}
    own = [hit for hit in hits if hit.kind in kinds]
    return scan.conclude(own, basis) if isinstance(scan, Concludes) else by_kind(scan, own, basis)


def by_kind(scan: RowScan, hits: Sequence[Hit], basis: Basis) -> list[Finding]:
    """A finding per kind of which there is any."""
    kinds = {kind.id: kind for kind in scan.kinds}
    sorted_: dict[str, list[Hit]] = {}
    for hit in hits:
        sorted_.setdefault(hit.kind, []).append(hit)
    return [finding_of(kinds[id_], found, basis) for id_, found in sorted_.items()]


def finding_of(kind: Kind, hits: Sequence[Hit], basis: Basis) -> Finding:
    """All rows of one kind; several notes on one row stand side by side."""
    notes: dict[int, list[str]] = {}
    for hit in hits:
        kept = notes.setdefault(hit.at, [])
        if hit.note and hit.note not in kept:
            kept.append(hit.note)
    words = {"{count}": f"{len(notes):,}", "{dataset}": basis.info.name}
    return Finding(
        id=kind.id,
        check=kind.check,
        severity=kind.severity,
        title=_filled(kind.title, words),
        count=len(notes),
        rows=basis.refs(notes),
        remedy=_filled(kind.remedy, words),
        notes={basis.rows[index]: "; ".join(said) for index, said in sorted(notes.items()) if said},
    )


def _filled(text: str, words: dict[str, str]) -> str:
    # replace(), not format(): a title may hold braces of its own
    for name, value in words.items():
        text = text.replace(name, value)
    return text
