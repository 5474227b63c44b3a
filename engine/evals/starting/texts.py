"""What a number of answers in words are, looked at together: labels, letters, short answers, lists, queries.

One decides nothing: of each kind there must be more than MOST. A label is known by coming again, the others
by their form. Knows no checks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

from engine.evals.checks.numbers import as_number
from engine.evals.starting.shape import is_closed

TextKind = Literal["choice", "label", "decimal_comma", "query", "items", "short", "text"]
MOST = 0.8
"""A larger share of the texts decides what all of them are."""
WORDS = 3
"""So many words are a short answer, and one more an item."""
_LETTER = re.compile(r"\(?[A-Z]\)?")
_ENDS = re.compile(r"[.!?\u3002]\s*$")
_ITEM = re.compile(r"\s*(?:[-*\u2022]|\d+[.)])?\s*[\w'][\w\s'&/+.-]*")
_QUERY = re.compile(r"(?:select|with)\b.*\bfrom\b|insert\s+into\b|update\b.*\bset\b", re.I | re.S)


def kind_of_texts(texts: Sequence[str]) -> TextKind:
    """What most of the texts are, the narrowest first; free text where they are nothing else."""
    if texts and all(_LETTER.fullmatch(text.strip()) for text in texts):
        return "choice"
    if texts and all(as_number(text, ",") is not None for text in texts):
        return "decimal_comma"
    if is_closed(texts):
        return "label"
    forms: tuple[tuple[TextKind, Callable[[str], bool]], ...] = (
        ("query", _is_query),
        ("items", _lists_items),
        ("short", _is_short),
    )
    for kind, fits in forms:
        if sum(map(fits, texts)) > MOST * len(texts):
            return kind
    return "text"


def _is_query(text: str) -> bool:
    return bool(_QUERY.match(text.strip()))


def _lists_items(text: str) -> bool:
    """Whether a text is a list of short items: parted by commas, semicolons or lines, and no sentence."""
    parts = [part for part in re.split(r"[,;\n]", text.strip()) if part.strip()]
    return len(parts) > 1 and all(
        len(part.split()) <= WORDS + 1 and _ITEM.fullmatch(part) and not _ENDS.search(part) for part in parts
    )


def _is_short(text: str) -> bool:
    """Whether a text is a name, a date, a code: something that is said in one way."""
    return 0 < len(text.split()) <= WORDS and not _ENDS.search(text)
