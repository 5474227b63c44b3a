"""Which documents a search may answer from: by tags, by path, by date.

Decided once per document, then looked up per passage, so that a filter costs less than the ranking. Does not
know how passages are ranked.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt

from store.errors import UsageError
from store.records.knowledge import DocumentRecord, SearchOptions

_DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


def check_options(options: SearchOptions) -> None:
    """Raise UsageError for a date that is none."""
    for name, value in (("as_of", options.as_of), ("since", options.since)):
        if value:
            try:
                datetime.date.fromisoformat(_padded(value))
            except ValueError as error:
                raise UsageError(
                    "That is no date", f"{name} is {value!r}: {error}.", "Write it as 2026-01-31."
                ) from error


def allowed(documents: Sequence[DocumentRecord], options: SearchOptions) -> tuple[npt.NDArray[np.bool_], str]:
    """Which of `documents` may answer [documents], and what was left out for which reason."""
    reasons = [refusal(document, options) for document in documents]
    counted = Counter(reason for reason in reasons if reason)
    told = ", ".join(f"{count} {reason}" for reason, count in counted.items())
    return np.array([not reason for reason in reasons], dtype=bool), told


def refusal(document: DocumentRecord, options: SearchOptions) -> str:
    """Why `document` may not answer; empty where it may."""
    tags = {tag.casefold() for tag in document.tags}
    if any(tag.casefold() not in tags for tag in options.tags):
        return "without the tags"
    if options.paths and not any(matches(document.name, pattern) for pattern in options.paths):
        return "at another path"
    if (options.as_of or options.since) and not document.date:
        return "without a date"
    # ISO dates are in the order of their letters; what is coarser counts by its beginning.
    if options.as_of and document.date[: len(options.as_of)] > options.as_of:
        return f"dated after {options.as_of}"
    if options.since and document.date < options.since:
        return f"dated before {options.since}"
    return ""


def matches(name: str, pattern: str) -> bool:
    """Whether the pattern is the path, a folder above it, or matches it; from the left or at any folder."""
    if name == pattern or name.startswith(pattern.rstrip("/") + "/"):
        return True
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"*/{pattern}")


def _padded(value: str) -> str:
    if not _DAY.fullmatch(value):
        raise ValueError("a year, a month or a day is expected")
    return value + "-01-01"[len(value) - 4 :] if len(value) < 10 else value
