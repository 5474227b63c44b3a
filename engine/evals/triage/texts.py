"""Texts as triage compares, names and shows them. Knows nothing of results and categories."""

from __future__ import annotations

import json
import re

from store.hashing import sha256_of_text

CLOSED_LETTERS = 80
"""Answers no longer than this, when they come up again and again, are labels of a closed set."""
FACT = re.compile(r"\d[\d.,:/-]*|\b[A-Z][a-z]+(?:\s[A-Z][a-z]+)+")


def normal(text: str) -> str:
    """An answer without what makes no difference: case, spacing, the order of JSON's keys."""
    try:
        return json.dumps(json.loads(text), sort_keys=True).casefold()
    except ValueError:
        return " ".join(text.casefold().split()).strip(".!")


def key_of(text: str) -> str:
    """A short name of a text, the same whenever it comes again."""
    return sha256_of_text(text)[:12]


def facts(text: str, but: str = "") -> set[str]:
    """Figures and names in a text that do not stand in `but`."""
    return {fact.rstrip(".,:/-") for fact in FACT.findall(text) if fact not in but}


def is_json(text: str | None) -> bool:
    """Whether a text is a JSON object or list."""
    if not text or not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def short(text: str, most: int = 60) -> str:
    """A text as evidence quotes it."""
    line = " ".join(text.split())
    return repr(line if len(line) <= most else line[: most - 1] + "…")
