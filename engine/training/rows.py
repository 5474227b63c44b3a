"""A dataset's rows as training takes them, and the report of what rendering left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from engine.data.rendering import Renderer, Row
from store.errors import UsageError
from store.records.data import Example


class RowReport(msgspec.Struct):
    """What rendering did to a dataset: nothing happens in silence. Lines are the source's, from 1.

    `untrained` rows are left out: `problems` says why (reason: lines). `notes` says what of the others is
    not trained though the mask asks for it (note: lines).
    """

    rows: int
    trained_tokens: int
    total_tokens: int
    truncated: list[int]
    untrained: list[int]
    problems: dict[str, list[int]] = {}
    notes: dict[str, list[int]] = {}


def render_rows(
    renderer: Renderer, examples: Iterable[Example], max_length: int
) -> tuple[list[Row], RowReport]:
    """All examples as rows. Rows without a trained token are left out and listed.

    Raises UsageError when none is left.
    """
    rows = [renderer.row(example, max_length) for example in examples]
    kept = [row for row in rows if row.trained]
    return kept, report_on(kept, rows)


def report_on(kept: Sequence[Row], rows: Sequence[Row]) -> RowReport:
    """What rendering did, told of all `rows` and of those that were `kept`. Raises UsageError without any."""
    report = RowReport(
        rows=len(kept),
        trained_tokens=sum(row.trained for row in kept),
        total_tokens=sum(len(row.input_ids) for row in kept),
        truncated=sorted({row.line for row in rows if row.cut_tokens}),
        untrained=sorted({row.line for row in rows if not row.trained}),
        problems=by_reason((row.problem, row.line) for row in rows),
        notes=by_reason((row.note, row.line) for row in kept),
    )
    if not kept:
        first = next(iter(report.problems), "There are none.")
        raise UsageError(
            "No row has a token to train on",
            f"None of {len(rows)} rows can be trained. The first: {first}",
            "Look at a row as the model sees it: temper data preview NAME --model MODEL",
        )
    return report


def by_reason(said: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    """Lines by what was said of them, in the order in which it was first said."""
    lines: dict[str, list[int]] = {}
    for reason, line in said:
        if reason:
            lines.setdefault(reason, []).append(line)
    return lines
