"""When two answers say the same, and when answers are classes.

Knows nothing of what was asked.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from engine.data.checks.contract import normal
from engine.data.checks.json_answers import looks_like_json, parse
from engine.data.checks.words import NEGATIONS, words_of

REPEATS = 4
"""Answers are classes where each stands so many times on average."""
LEAST_ROWS = 8
SHORT_WORDS = 8
"""Shorter answers say the same only where they are the same."""
ALIKE = 0.6
"""Jaccard similarity of the words of longer answers that say the same."""
PRESENT = 0.9
"""Share of JSON answers that must have a field for it to be the class."""
LABEL_FIELDS = (
    "label", "intent", "category", "class", "class_name", "type", "topic", "sentiment", "tag", "verdict",
    "decision", "severity", "priority", "status", "answer",
)  # fmt: skip


class Classes(msgspec.Struct):
    """The class of each row [n], None where its answer has none; `field` is the JSON field, or empty."""

    of: list[str | None]
    field: str = ""


def canonical(answer: str) -> str:
    """An answer for comparison: case and white space apart, JSON by its value."""
    if looks_like_json(answer):
        try:
            return json.dumps(parse(answer), sort_keys=True, ensure_ascii=False)
        except (ValueError, RecursionError):
            return normal(answer)
    return normal(answer)


_latest: list[tuple[Sequence[str], list[str]]] = []


def canonicals_of(answers: Sequence[str]) -> list[str]:
    """`canonical` of each answer; those looked at last are remembered, for several checks ask."""
    if not _latest or _latest[0][0] is not answers:
        _latest[:] = [(answers, [canonical(answer) for answer in answers])]
    return _latest[0][1]


def say_the_same(one: str, other: str) -> bool:
    """Whether two answers teach the same: equal, or long prose of nearly the same words and numbers."""
    if one == other or canonical(one) == canonical(other):
        return True
    if looks_like_json(one) or looks_like_json(other):
        return False
    a, b = _words(one), _words(other)
    if min(len(a), len(b)) < SHORT_WORDS or len(a & b) < ALIKE * len(a | b):
        return False
    numbers_a, numbers_b = ({word for word in words if word[0].isdigit()} for words in (a, b))
    return numbers_a == numbers_b and bool(a & NEGATIONS) == bool(b & NEGATIONS)


def likeness(one: str, other: str) -> float:
    """The Jaccard similarity of two answers' words."""
    a, b = _words(one), _words(other)
    return len(a & b) / len(a | b) if a | b else 1.0


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(words_of(text))


def repeat(values: Sequence[str]) -> bool:
    """Whether values look like classes: there are few enough of them for so many rows."""
    return len(values) >= LEAST_ROWS and 1 < len(set(values)) <= len(values) / REPEATS


def classes_of(answers: Sequence[str]) -> Classes | None:
    """The classes that answers name, None where they are no classes.

    JSON objects name one by a field of a telling name, else by the first field that repeats; other answers
    are classes as a whole.
    """
    objects = [_object(answer) for answer in answers]
    known = [one for one in objects if one is not None]
    if len(known) >= PRESENT * max(len(answers), 1):
        field = _label_field(known)
        if field:
            return Classes([_value(one.get(field)) if one else None for one in objects], field)
    folded = canonicals_of(answers)
    if not repeat(folded):
        return None
    shown: dict[str, str] = {}
    for key, answer in zip(folded, answers, strict=True):
        shown.setdefault(key, answer.strip())
    return Classes([shown[key] for key in folded])


def _object(answer: str) -> dict[str, Any] | None:
    if not looks_like_json(answer):
        return None
    try:
        value = parse(answer)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _label_field(objects: Sequence[dict[str, Any]]) -> str:
    counts: Counter[str] = Counter(key for one in objects for key in one)
    fitting = [
        field
        for field, count in counts.items()
        if count >= PRESENT * len(objects)
        and repeat([value for one in objects if (value := _value(one.get(field))) is not None])
    ]
    named = [field for name in LABEL_FIELDS for field in fitting if field.casefold() == name]
    return next(iter([*named, *fitting]), "")


def _value(value: Any) -> str | None:
    return str(value) if isinstance(value, str | bool | int) else None
