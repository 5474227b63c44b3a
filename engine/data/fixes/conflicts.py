"""Inputs with more than one answer: which answer is right, and which rows go.

A row that people chose to keep is right about its input, and about those that are nearly the same. What is
decided here is a decision like any other: it is kept in labels/.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from engine.data.checks.answers import canonical
from engine.data.checks.contract import answer_of
from engine.data.fixes.asked import Policy
from engine.data.fixes.decisions import Decisions, input_key
from engine.data.fixes.dropping import Going
from engine.data.moments import in_order
from store.records.data import Example
from store.records.findings import CheckReport

OPERATION = "resolve conflicts"


class Side(msgspec.Struct):
    """A row of a conflict: the key of its input, its answer and when it was given."""

    row: str
    key: str
    answer: str
    time: str


class Resolved(msgspec.Struct):
    """The right answer of each input by its key, and what nobody could decide."""

    answers: dict[str, str] = {}
    groups: int = 0
    undecided: int = 0
    undecided_rows: set[str] = set()


def side_of(example: Example) -> Side:
    """What of a row a conflict is about."""
    return Side(example.row, input_key(example), answer_of(example), example.metadata.get("time", ""))


def resolve(
    going: Going, report: CheckReport, sides: dict[str, Side], policy: Policy, decisions: Decisions
) -> Resolved:
    """Decide each conflict of the report and take the rows whose answer is not the right one."""
    resolved = Resolved()
    for part, rows in _groups(report):
        group = [sides[row] for row in rows if row in sides and row not in going.by]
        if len({canonical(side.answer) for side in group}) < 2:
            continue
        answer = _right(group, policy, decisions, part)
        if answer is None:
            resolved.undecided += not part
            resolved.undecided_rows.update(side.row for side in group)
            continue
        resolved.groups += 1
        resolved.answers.update(dict.fromkeys((side.key for side in group), answer))
        for side in group:
            if canonical(side.answer) != canonical(answer):
                going.take(side.row, OPERATION)
    return resolved


def rows_in_conflict(report: CheckReport) -> set[str]:
    """All rows that any conflict names."""
    return {row for _, rows in _groups(report) for row in rows}


def _groups(report: CheckReport) -> Iterator[tuple[str, list[str]]]:
    """Groups of the same input (empty), of nearly the same (near), of differing prose: which and its rows."""
    findings = [finding for finding in report.findings if finding.check == "label_conflict"]
    for finding in sorted(findings, key=lambda finding: finding.id):
        for group in finding.groups:
            yield finding.id.partition("/")[2], group.rows


def _right(group: Sequence[Side], policy: Policy, decisions: Decisions, part: str) -> str | None:
    """The right answer of a group; None where nobody can say.

    A rule decides only between answers to the very same input: elsewhere both may be right.
    """
    if part and policy != "labels":
        return None
    kept = {canonical(side.answer): side.answer for side in group if side.row in decisions.kept}
    if kept:
        return next(iter(kept.values())) if len(kept) == 1 else None
    known = decisions.answers if policy == "labels" else decisions.chosen
    decided = {side.key: known[side.key] for side in group if side.key in known}
    if decided:
        answers = {canonical(answer): answer for answer in decided.values()}
        everyone = len(decided) == len({side.key for side in group})
        return next(iter(answers.values())) if len(answers) == 1 and everyone else None
    if policy == "majority":
        return _majority(group)
    return _newest(group) if policy == "newest" else None


def _majority(group: Sequence[Side]) -> str | None:
    counts = Counter(canonical(side.answer) for side in group).most_common(2)
    if len(counts) > 1 and counts[0][1] == counts[1][1]:
        return None
    return next(side.answer for side in group if canonical(side.answer) == counts[0][0])


def _newest(group: Sequence[Side]) -> str | None:
    """The answer given last; None where a time is missing or the last two are of the same moment."""
    times = [side.time for side in group]
    if not all(times):
        return None
    last = [group[at] for at in in_order(times)][-1]
    rivals = {canonical(side.answer) for side in group if side.time == last.time}
    return last.answer if len(rivals) == 1 else None
