"""Rows of a dataset version as people ask for them: by id, by line, or the first ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from store import datasets
from store.errors import UsageError
from store.paths import WorkspacePaths
from store.records.data import Example


def pick_rows(
    paths: WorkspacePaths, reference: str, *, row: str = "", line: int = 0, count: int = 1
) -> list[Example]:
    """The row whose id is `row` (or alone begins with it), those of `line`, or the first `count`.

    A row asked for by name is looked for in every split, unless `reference` names one. Raises UsageError
    where there is none.
    """
    if not row and not line:
        return list(islice(datasets.iterate_rows(paths, reference), count))
    asked = datasets.parse_reference(reference)
    everywhere = reference if asked.split else f"{reference}/all"
    found = list(_matching(datasets.iterate_rows(paths, everywhere), row, line))
    exact = [example for example in found if example.row == row]
    if not found:
        wanted = f"row {row}" if row else f"line {line}"
        raise UsageError(
            f"{reference} has no {wanted}",
            "A line without a row was dropped when the source was imported, and the report says why.",
            f"See the rows there are with: temper data preview {reference} -n 20",
        )
    if row and not exact and len(found) > 1:
        raise UsageError(
            f"{len(found)} rows begin with {row}",
            ", ".join(example.row for example in found[:5]) + ("..." if len(found) > 5 else ""),
            "Give more of the id.",
        )
    return exact or found


def _matching(examples: Iterator[Example], row: str, line: int) -> Iterator[Example]:
    for example in examples:
        if example.row.startswith(row) if row else example.line == line:
            yield example
