"""Which rows go because of what a check found: duplicates, near-duplicates, leaks, any finding by its name.

A held-out row never goes for a leak: its train rows do. Rows that people want kept stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from engine.data.fixes.asked import Asked
from store.errors import RefusedError, UsageError
from store.records.findings import CheckName, CheckReport, Finding


class Going(msgspec.Struct):
    """Rows that go, each under the operation that took it; `splits` says where every row stands."""

    splits: dict[str, str]
    kept: set[str]
    by: dict[str, str] = {}

    def take(self, row: str, operation: str) -> None:
        """Let a row go, unless it must stay or has gone already."""
        if row in self.splits and row not in self.kept:
            self.by.setdefault(row, operation)


def drop_found(going: Going, asked: Asked, report: CheckReport) -> None:
    """Take the rows of all findings that are asked for. Raises UsageError, RefusedError."""
    if asked.leaks:
        for finding in _of_check(report, "leakage"):
            _drop_leaks(going, finding)
    for name in asked.drop:
        for finding in _named(report, name):
            _drop_finding(going, finding, f"drop {name}")
    if asked.duplicates:
        for finding in _of_check(report, "exact_duplicate"):
            _drop_alike(going, finding, "drop duplicates")
    if asked.near_duplicates:
        for finding in _of_check(report, "near_duplicate"):
            _drop_alike(going, finding, "drop near-duplicates")


def _drop_finding(going: Going, finding: Finding, operation: str) -> None:
    if finding.check == "leakage":
        _drop_leaks(going, finding, operation)
    elif finding.check in ("exact_duplicate", "near_duplicate"):
        _drop_alike(going, finding, operation)
    else:
        for ref in finding.rows:
            going.take(ref.row, operation)


def _drop_leaks(going: Going, finding: Finding, operation: str = "drop leaks") -> None:
    named = [ref.row for ref in finding.rows] + [row for group in finding.groups for row in group.rows]
    for row in named:
        if going.splits.get(row) == "train":
            going.take(row, operation)


def _drop_alike(going: Going, finding: Finding, operation: str) -> None:
    """Of each group one row stays, and every held-out row where others are trained on."""
    for group in finding.groups:
        there = [row for row in group.rows if row in going.splits and row not in going.by]
        near = finding.check == "near_duplicate"
        if not there or (near and group.rows[0] not in there):
            continue  # the others are like the row that went, not like each other
        keeper = group.rows[0] if near else _keeper(going, there)
        for row in there:
            if row != keeper and not (going.splits[row] != "train" and _mixed(going, there)):
                going.take(row, operation)


def _keeper(going: Going, rows: Sequence[str]) -> str:
    """Which of equal rows stays: one that people want kept, else one held out, else the first."""
    kept = [row for row in rows if row in going.kept]
    heldout = [row for row in rows if going.splits[row] != "train"]
    return next(iter([*kept, *heldout, *rows]))


def _mixed(going: Going, rows: Sequence[str]) -> bool:
    return any(going.splits[row] == "train" for row in rows)


def _of_check(report: CheckReport, check: CheckName) -> Iterator[Finding]:
    """The findings of a check that ran. Raises RefusedError for one that did not."""
    for skipped in report.skipped:
        if skipped.check == check:
            raise RefusedError(
                f"The check {check} did not run",
                f"{report.dataset}@{report.version}: {skipped.reason}",
                f"Mend that, then: temper data check {report.dataset}@{report.version}",
            )
    yield from (finding for finding in report.findings if finding.check == check)


def _named(report: CheckReport, name: str) -> list[Finding]:
    from engine.data.checks.registry import NAMES

    known = [check for check in NAMES if check == name]
    if known:
        return list(_of_check(report, known[0]))
    found = [finding for finding in report.findings if finding.id == name]
    if not found and not name.startswith(tuple(f"{check}/" for check in NAMES)):
        raise UsageError(
            "Nothing of that name was found",
            f"{name!r} is no check, nor a finding in {report.dataset}@{report.version}.",
            f"Found were: {', '.join(sorted(finding.id for finding in report.findings)) or 'none'}.",
        )
    return found
