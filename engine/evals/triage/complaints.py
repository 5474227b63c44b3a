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
from engine.evals.triage.guessing import key_of, normal
from engine.evals.triage.periods import day_of, is_month_first
from store.errors import UsageError
from store.records.triage import CATEGORIES, Category, Failure, Guess

MOST_WEIGHT = 1_000_000
SAMPLE = 200
"""So many rows say what the columns hold."""
_REST = re.compile(r"\w*")

_WORDS: tuple[tuple[Category, str], ...] = (
    (
        "safety",
        r"unsafe|leak(?:ed|s)|private data|personal data|seed phrase|phishing|dangerous|gefährlich|peligros|"
        r"dangereu|(?:shows?|reveals?|asks? for) (?:my|a|the) password|verrät .*passwort|persönliche daten",
    ),
    (
        "tool",
        r"wrong (?:tool|function|api)|tool call|called the wrong|did ?n.t call|wrong argument|"
        r"falsche[ns]? (?:funktion|werkzeug)|herramienta equivocada|mauvais outil",
    ),
    (
        "format",
        r"\bjson\b|format|schema|malformed|pars(?:e|ing)|markdown|cut off|truncated|not valid|abgeschnitten|"
        r"cortad[oa]|tronqu",
    ),
    (
        "refusal",
        r"refus|won.t answer|would ?n.t answer|can.t help|declin|says it cannot|verweiger|weigert|"
        r"lehnt .*ab\b|"
        r"se niega|rechaza|rifiuta",
    ),
    (
        "knowledge",
        r"out ?dated|no longer|old (?:price|fee|version|policy)|stale|has changed|veraltet|nicht mehr|"
        r"desactualizad|ya no|obsol|n.est plus|non è più",
    ),
    (
        "retrieval",
        r"(?:not|n.t) find|wrong (?:document|article|page|source)|missing article|nicht gefunden|"
        r"falsche[rns]? (?:dokument|artikel|quelle|seite)|documento equivocado|mauvais (?:document|article)",
    ),
    (
        "hallucination",
        r"made ?(?:it|this|that)? ?up|invent|hallucinat|does ?n.t exist|not exist|fabricat|erfunden|"
        r"gibt es (?:gar )?nicht|no existe|n.existe pas",
    ),
    (
        "tone",
        r"rude|\btone\b|impolite|too (?:long|short|formal|casual|wordy)|unfriendly|condescending|verbose|"
        r"unhöflich|unfreundlich|zu (?:lang|kurz)\b|groser|demasiado (?:larg|cort)|impoli|"
        r"trop (?:long|court)",
    ),
    (
        "product",
        r"feature|not supported by (?:the )?(?:app|product)|button|screen|please add|crash|\bslow\b|absturz|"
        r"stürzt .*ab\b|langsam|\blent[oae]|se cuelga|plante\b",
    ),
)
_PATTERNS = tuple((category, re.compile(words, re.IGNORECASE)) for category, words in _WORDS)


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
        f"{source}/{key}",
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
    )


def guess_from_words(comment: str, output: str, category: str = "") -> Guess:
    """The file's own category where it is one of ours; else the first rule whose words are there."""
    named = category.strip().casefold().replace(" ", "_").replace("-", "_")
    if named in CATEGORIES:
        return Guess(named, "as_filed", f"the file says {category}")
    for kind, pattern in _PATTERNS:
        if match := pattern.search(comment):
            return Guess(kind, f"says_{kind}", f"the complaint says {whole_words(match)!r}")
    if output and is_refusal(output):
        return Guess("refusal", "refused", f"the answer refuses: {output[:60]!r}")
    return Guess("behaviour", "complaint", "nothing says more than that it is wrong")


def whole_words(match: re.Match[str]) -> str:
    """What was found, with the rest of the words that it begins and ends in."""
    before, behind = re.search(r"\w*$", match.string[: match.start()]), _REST.match(match.string, match.end())
    return (before[0] if before else "") + match[0] + (behind[0] if behind else "")


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _count(text: str) -> int:
    """A number of times, thousands parted or not; 1 where it is none."""
    plain = re.sub(r"[.,' \u00a0](?=\d{3}\b)", "", text)
    try:
        return max(1, min(int(float(plain)), MOST_WEIGHT))
    except (ValueError, OverflowError):
        return 1
