"""Exact duplicates: rows that ask and answer the same, case and white space apart.

The system message, the tools, a rejected ending and a rating must be the same too. Rows of different splits
are no duplicates of each other but a leak.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from engine.data.checks.contract import Basis, normal
from engine.data.checks.questions import questions_of
from store.records.findings import Finding, Group


def check(basis: Basis) -> Iterator[Finding]:
    """One finding: groups whose first row stays; `rows` are the others, which can go."""
    alike: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for row, asked in enumerate(questions_of(basis.asked).of):
        alike[
            basis.splits[row],
            basis.contexts[row],
            basis.labels[row],
            asked,
            normal(basis.answers[row]),
            normal(basis.rejected[row]),
        ].append(row)
    groups = [rows for rows in alike.values() if len(rows) > 1]
    again = [row for rows in groups for row in rows[1:]]
    if not again:
        return
    yield Finding(
        id="exact_duplicate",
        check="exact_duplicate",
        severity="warn",
        title=f"{len(again)} rows stand in the dataset more than once",
        count=len(again),
        rows=basis.refs(again),
        remedy=f"temper data fix {basis.info.name} --drop-duplicates",
        detail="Question and answer are the same, case and white space apart. The first of each group stays.",
        groups=[
            Group(
                [basis.rows[row] for row in rows], "lines " + ", ".join(str(basis.lines[row]) for row in rows)
            )
            for rows in groups
        ],
        figures={
            "groups": len(groups),
            "largest": max(map(len, groups)),
            "share": len(again) / len(basis.rows),
        },
    )
