"""Patterns of JSON Schema: ECMA-262 as the engine with a time limit reads it."""

from __future__ import annotations

import re
from functools import lru_cache

from engine.evals.checks.patterns import Pattern

_ECMA = re.compile(r"\\u\{([0-9A-Fa-f]{1,6})\}|\\(.)|\[\^?\]?|\]|\$", re.DOTALL)
_CLASSES = {"d": ("[0-9]", "0-9"), "w": ("[A-Za-z0-9_]", "A-Za-z0-9_")}
_OUTSIDE = {"D": "[^0-9]", "W": "[^A-Za-z0-9_]"}


@lru_cache(maxsize=512)
def searcher(source: str) -> Pattern:
    """A schema's pattern. Raises ValueError where it is none."""
    return Pattern(from_ecma(source))


def from_ecma(source: str) -> str:
    """A pattern of ECMA-262 as `regex` reads it: $ is the very end; digits and letters of \\d and \\w are
    ASCII's.
    """
    inside = False

    def said(match: re.Match[str]) -> str:
        nonlocal inside
        code, escaped, text = match[1], match[2], match[0]
        if code:
            return rf"\x{{{code}}}"
        if escaped:
            if escaped in _CLASSES:
                return _CLASSES[escaped][inside]
            return text if inside else _OUTSIDE.get(escaped, text)
        if text.startswith("["):
            if inside:
                return rf"\{text}"
            inside = not text.endswith("]")
            return text
        if text == "]":
            inside = False
            return text
        return text if inside else r"\Z"

    return _ECMA.sub(said, source)
