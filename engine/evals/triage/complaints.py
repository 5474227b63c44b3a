"""A file of complaints from production becomes failures; the first guess is made from their words.

Any table or JSON Lines file will do: columns are recognised by their names (columns.py). A complaint that
stands several times, or has a count, weighs more. Knows nothing of runs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.data.importers import Record
from engine.data.source import Source
from engine.evals.checks.refusal import is_refusal
from engine.evals.triage.columns import columns_of
from engine.evals.triage.periods import day_of, is_month_first
from engine.evals.triage.texts import key_of, normal
from engine.evals.triage.wording import PATTERNS
from store.errors import UsageError
from store.records.triage import CATEGORIES, Failure, Guess

MOST_WEIGHT = 1_000_000
SAMPLE = 200
"""So many rows say what the columns hold."""


class Complaints(msgspec.Struct):
    """The failures of a file, equal ones once; which column was read as what."""

    failures: list[Failure]
    columns: dict[str, str]


def read_complaints(path: Path, named: Mapping[str, str] | None = None, encoding: str = "") -> Complaints:
    """What a file complains of. `named` says the column of a part where its name does not.

    Raises UsageError where no column says what was asked or what is wrong; MissingError without the file.
    """
    read = Source(path, encoding).records(lambda value: True, lambda done, total: None)
    records = [record for record in read if isinstance(record, Record)]
    sample = [record.value for record in records[:SAMPLE]]
    columns = columns_of(sample[0] if sample else {}, path.name, named, sample)
    month_first = is_month_first(_text(record.value.get(columns.get("time", ""))) for record in records)
    found: dict[str, Failure] = {}
    for record in records:
        failure = failure_of(record, columns, path.name, month_first)
        if failure is None:
            continue
        known = found.setdefault(failure.target, failure)
        if known is not failure:
            known.weight += failure.weight
            known.days = dict(Counter(known.days) + Counter(failure.days))
    if not found:
        raise UsageError(
            "The file has no complaints", f"{path} holds no row with a text.", "Name a file with rows."
        )
    return Complaints(list(found.values()), columns)


def failure_of(
    record: Record, names: Mapping[str, str], source: str, month_first: bool = False
) -> Failure | None:
    """One row as a failure; None where it has no text. A text alone, without an answer, is the complaint."""
    row = {part: _text(record.value.get(column)) for part, column in names.items()}
    asked, comment = row.get("input", ""), row.get("comment", "")
    if not asked and not comment:
        return None
    output = row.get("output", "")
    key = key_of(f"{normal(asked)}\0{normal(output)}\0{normal(comment)}")
    count, day = _count(row.get("count", "")), day_of(row.get("time", ""), month_first)
    said = comment or ("" if output else asked)
    return Failure(
        f"complaint/{key}",
        source,
        row.get("id") or f"line {record.line}",
        asked,
        output,
        guess_from_words(said, output, row.get("category", "")),
        expected=row.get("expected", ""),
        comment=comment,
        time=row.get("time", ""),
        weight=count,
        days={day: count} if day else {},
        known_as=[f"{source}/{key}"],
    )


def guess_from_words(comment: str, output: str, category: str = "") -> Guess:
    """The file's own category where it is one of ours; else the first rule whose words are there."""
    named = category.strip().casefold().replace(" ", "_").replace("-", "_")
    if named in CATEGORIES:
        return Guess(named, "as_filed", f"the file says {category}")
    for kind, pattern in PATTERNS:
        if match := pattern.search(comment.replace("\u2019", "'")):
            return Guess(kind, f"says_{kind}", f"the complaint says {match[0]!r}")
    if output and is_refusal(output):
        return Guess("refusal", "refused", f"the answer refuses: {output[:60]!r}")
    return Guess("behaviour", "complaint", "nothing says more than that it is wrong")


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _count(text: str) -> int:
    """A number of times, thousands parted or not; 1 where it is none."""
    plain = re.sub(r"[.,' \u00a0](?=\d{3}\b)", "", text)
    try:
        return max(1, min(int(float(plain)), MOST_WEIGHT))
    except (ValueError, OverflowError):
        return 1
