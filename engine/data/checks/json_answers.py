"""Answers as JSON: whether a text means to be it, whether it is, and whether it only ends too early.

Strict, as the eval check `json_schema` is: what a program would refuse is no JSON here either.
"""

from __future__ import annotations

import json
import re
from typing import Any

from engine.data.importers import strict_json

_BEGINS = re.compile(r'\{\s*(?:"|\}|$)|\[\s*(?:"|\{\s*"|\[|\]|$)')
_NUMBERS = re.compile(r"\[\s*(?:-?\d|true\b|false\b|null\b)[^a-zA-Z]*\]$")
_PAIRS = {"{": "}", "[": "]"}


def looks_like_json(text: str) -> bool:
    """Whether a text begins as a JSON object or list does, valid or not ({name} and [1] in prose do not)."""
    text = text.strip()
    return text[:1] in _PAIRS and bool(_BEGINS.match(text) or _NUMBERS.match(text))


def parse(text: str) -> Any:
    """The value. Raises ValueError with the reason for people."""
    return strict_json.decode(text)


def ends_early(text: str) -> bool:
    """Whether a text is JSON up to its end, and something is missing there: it was cut off."""
    text = text.strip()
    if not looks_like_json(text):
        return False
    try:
        json.loads(text)
    except RecursionError:
        return False
    except ValueError:
        return _open_at_end(text)
    return False


def _open_at_end(text: str) -> bool:
    """Whether brackets or a string are still open when the text ends, all closed ones being in order."""
    expected: list[str] = []
    inside = escaped = False
    for letter in text:
        if inside:
            if escaped:
                escaped = False
            elif letter == "\\":
                escaped = True
            elif letter == '"':
                inside = False
        elif letter == '"':
            inside = True
        elif letter in _PAIRS:
            expected.append(_PAIRS[letter])
        elif letter in "]}" and (not expected or expected.pop() != letter):
            return False
    return inside or bool(expected)
