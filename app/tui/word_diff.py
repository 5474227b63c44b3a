"""Two texts word by word: which stretches of either the other has not. Knows no widget."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

Stretches = list[tuple[str, bool]]
"""A text in pieces, in order; True: the other text has not got it."""

MOST = 800  # words and gaps of a text that are compared: 40 ms where nearly all of them differ
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


def differences(a: str, b: str) -> tuple[Stretches, Stretches]:
    """Both texts in stretches. What is behind the first MOST words counts as alike."""
    words_a, rest_a = _split(a)
    words_b, rest_b = _split(b)
    found_a: Stretches = []
    found_b: Stretches = []
    for kind, a0, a1, b0, b1 in SequenceMatcher(None, words_a, words_b, autojunk=False).get_opcodes():
        _add(found_a, "".join(words_a[a0:a1]), kind != "equal")
        _add(found_b, "".join(words_b[b0:b1]), kind != "equal")
    _add(found_a, rest_a, False)
    _add(found_b, rest_b, False)
    return found_a, found_b


def _split(text: str) -> tuple[list[str], str]:
    words = _WORDS.findall(text)
    return words[:MOST], "".join(words[MOST:])


def _add(found: Stretches, text: str, other: bool) -> None:
    if text:
        found.append((text, other))
