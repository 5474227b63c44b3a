"""A dataset's rows as training takes them, and the report of what rendering left out."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine.data.rendering import Renderer, Row
from store.errors import UsageError
from store.records.data import Example


class RowReport(msgspec.Struct):
    """What rendering did to a dataset: nothing happens in silence. Lines are the source's, from 1."""

    rows: int
    trained_tokens: int
    total_tokens: int
    truncated: list[int]
    untrained: list[int]


def render_rows(
    renderer: Renderer, examples: Iterable[Example], max_length: int
) -> tuple[list[Row], RowReport]:
    """All examples as rows. Rows without a trained token are left out and listed.

    Raises UsageError when none is left.
    """
    rows = [renderer.row(example, max_length) for example in examples]
    kept = [row for row in rows if row.trained]
    report = RowReport(
        rows=len(kept),
        trained_tokens=sum(row.trained for row in kept),
        total_tokens=sum(len(row.input_ids) for row in kept),
        truncated=[row.line for row in rows if row.cut_tokens],
        untrained=[row.line for row in rows if not row.trained],
    )
    if not kept:
        raise UsageError(
            "No row has a token to train on",
            f"All {len(rows)} rows are empty or longer than {max_length} tokens before their answer begins.",
            "Raise max_length in the recipe, or look at the rows with: temper data list",
        )
    return kept, report
