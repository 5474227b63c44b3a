"""Which of the passages found may be out of date: a later document says much the same, or it is old.

Dates are the documents' own. Does not know which of two documents is right.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from store.records.knowledge import Hit

SAME_SUBJECT = 0.75
"""Cosine from which two passages are about the same."""


def mark_stale(
    hits: Sequence[Hit], vectors: npt.NDArray[np.float32], stale_days: int, today: datetime.date
) -> int:
    """Say in each hit's `stale` why it may be out of date; how many were marked.

    `vectors` [hits, dimension] have length 1. A hit without a date is not judged; with `stale_days` 0 its age
    is no reason.
    """
    marked = 0
    likeness = vectors @ vectors.T if len(hits) else vectors
    for at, hit in enumerate(hits):
        if not hit.date:
            continue
        later = [
            other.date
            for to, other in enumerate(hits)
            if other.doc != hit.doc and other.date > hit.date and likeness[at, to] >= SAME_SUBJECT
        ]
        if later:
            newest = next(hit for hit in hits if hit.date == max(later))
            hit.stale = f"{newest.doc} says much the same, dated {newest.date}"
        elif stale_days and (age := _age(hit.date, today)) > stale_days:
            hit.stale = f"dated {hit.date}, {age} days ago"
        marked += bool(hit.stale)
    return marked


def _age(date: str, today: datetime.date) -> int:
    """Days since `date`; a month or a year counts from its end."""
    try:
        day = datetime.date.fromisoformat(date[:10] if len(date) >= 10 else f"{date}-12-31"[:10])
    except ValueError:
        return 0
    return (today - day).days
