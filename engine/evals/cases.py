"""The cases of a suite, inline or made from a dataset's rows; and a fair few of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from engine.evals.suite import LoadedSuite
from store.errors import UsageError
from store.records.data import Example
from store.records.evals import Case, CasesFrom

T = TypeVar("T")


def cases_of(
    loaded: LoadedSuite, rows: Callable[[str], Sequence[Example]], limit: int | None = None
) -> list[Case]:
    """All cases, at most `limit`. `rows` gives the rows that a dataset reference means.

    Raises UsageError when there is none.
    """
    source = loaded.suite.cases
    if isinstance(source, CasesFrom):
        cases = [case_of(example) for example in spread(rows(source.dataset), source.limit)]
    else:
        cases = source
    if not cases:
        raise UsageError(
            "The suite has no cases",
            f"{loaded.path.name} takes none from its dataset.",
            "Hold some rows out, or list cases.",
        )
    return spread(cases, limit)


def case_of(example: Example) -> Case:
    """A row as a case: its last answer is expected, the question before it is the input."""
    asked = example.messages[:-1]
    return Case(
        id=example.row, input=asked[-1].content, expected=example.messages[-1].content, before=asked[:-1]
    )


def spread(items: Sequence[T], limit: int | None) -> list[T]:
    """At most `limit` items, evenly spaced: files are often sorted by answer, so the first would mislead."""
    if limit is None or limit >= len(items):
        return list(items)
    return [items[index * len(items) // limit] for index in range(limit)]
