"""What the next check would say, judged by the parent's report: the findings that are still there.

An estimate: rows that stayed are not looked at again.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from engine.data.fixes.asked import Asked
from engine.data.fixes.conflicts import Resolved
from store.records.findings import CheckReport, Finding, Severity

ALIKE = ("exact_duplicate", "near_duplicate", "label_conflict", "preference_conflict", "leakage")
"""Checks whose findings are about rows together: one row alone is no finding any more."""
REPAIRED = ("encoding/mojibake", "encoding/control")


class Left(msgspec.Struct):
    """A finding that is still there, and how many rows it still concerns (0: the dataset as a whole)."""

    id: str
    severity: Severity
    count: int


def left_of(
    report: CheckReport, gone: Collection[str], masked: Collection[str], asked: Asked, resolved: Resolved
) -> list[Left]:
    """The findings of `report` that a fix leaves, in its order."""
    left = []
    for finding in report.findings:
        part = finding.id.partition("/")[2]
        if finding.check in ("pii", "secret") and part in masked:
            continue
        if asked.repair_encoding and finding.id in REPAIRED:
            continue
        count = _count(finding, gone)
        if finding.check == "label_conflict" and asked.conflicts:
            count = sum(ref.row in resolved.undecided_rows for ref in finding.rows)
        if count or not finding.rows:
            left.append(Left(finding.id, finding.severity, count))
    return left


def _count(finding: Finding, gone: Collection[str]) -> int:
    named = {ref.row for ref in finding.rows}
    if finding.check not in ALIKE or not finding.groups:
        return len(named.difference(gone))
    still: set[str] = set()
    for group in finding.groups:
        there = [row for row in group.rows if row not in gone]
        if len(there) > 1:
            still.update(row for row in there if row in named)
    return len(still)
