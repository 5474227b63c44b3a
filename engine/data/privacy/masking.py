"""Replacing finds by placeholders: `<EMAIL_1>`, the same for the same value in all texts of one conversation.

A value found once is replaced wherever else it stands in those texts. JSON stays JSON
(engine.data.privacy.json_masking). Knows nothing of what the texts belong to.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from engine.data.privacy.detector import Detector, resolved
from engine.data.privacy.found import Found
from engine.data.privacy.json_masking import json_parts, replaced_in_json

SHORTEST_ECHO = 4
"""Shorter values are replaced only where they were found: `Ann` is part of too many words."""
MOST_PASSES = 4

_PLACEHOLDER = re.compile(r"<([A-Z_]+)_(\d+)>")


class Masker:
    """Masks texts that belong together. `counts` says how many different values of each kind it has met."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.counts: Counter[str] = Counter()
        self._names: dict[tuple[str, str], str] = {}
        self._taken: Counter[str] = Counter()

    def mask(self, texts: Sequence[str]) -> list[str]:
        """The texts with all finds replaced, in the same order. Equal to `texts` where nothing was found."""
        for text in texts:
            for kind, number in _PLACEHOLDER.findall(text):
                self._taken[kind] = max(self._taken[kind], int(number[:6]))
        current = list(texts)
        for _ in range(MOST_PASSES):  # what stood in the way of a find is gone after the first pass
            found = [self._found(text) for text in current]
            if not any(found):
                break
            echoes = _echoes(one for each in found for one in each)
            current = [self._replaced(text, each, echoes) for text, each in zip(current, found, strict=True)]
        return current

    def placeholder(self, found: Found) -> str:
        """The name that stands for a value, the same whenever the value comes back."""
        key = (found.kind, normal(found))
        if key not in self._names:
            kind = found.kind.upper()
            self._taken[kind] += 1
            self.counts[found.kind] += 1
            self._names[key] = f"<{kind}_{self._taken[kind]}>"
        return self._names[key]

    def _found(self, text: str) -> list[Found]:
        inside = [one for one in self.detector.find(text) if not _PLACEHOLDER.fullmatch(one.text)]
        for start, end in json_parts(text):
            inside += _escaped_finds(self.detector, text, start, end)
        return resolved(inside)

    def _replaced(self, text: str, found: list[Found], echoes: list[Found]) -> str:
        kept = resolved([*found, *_echoed(text, echoes)])
        spans = [(one.start, one.end, self.placeholder(one)) for one in kept]
        return replaced_in_json(text, spans) if spans else text


def normal(found: Found) -> str:
    """What makes two writings the same value: case, and separators between digits, aside."""
    text = found.text.casefold()
    if found.kind in ("phone", "card", "iban", "bank_account", "national_id"):
        return "".join(char for char in text if char.isalnum())
    if found.kind in ("password", "api_key", "private_key", "credentials", "crypto_address"):
        return found.text
    return " ".join(text.split())


def _escaped_finds(detector: Detector, text: str, start: int, end: int) -> Iterator[Found]:
    """A JSON string that holds escapes is read as what it means; a find in it covers the whole string."""
    from engine.data.privacy.json_masking import decoded

    meaning = decoded(text[start:end])
    if meaning is not None and "\\" in text[start:end]:
        for one in detector.find(meaning):
            if not _PLACEHOLDER.fullmatch(one.text) and one.text not in text[start:end]:
                yield Found(one.kind, start, end, text[start:end], one.score, one.detail)


def _echoes(found: Iterable[Found]) -> list[Found]:
    """The values to look for elsewhere, longest first; the parts of a name count as its echo."""
    known: dict[str, Found] = {}
    for one in found:
        parts = one.text.split() if one.kind == "person" else []
        for value in [one.text, *(part for part in parts if part[:1].isupper())]:
            if len(value) >= SHORTEST_ECHO:
                known.setdefault(value, one)
    return [
        Found(one.kind, 0, len(value), value, one.score, one.text)
        for value, one in sorted(known.items(), key=lambda item: -len(item[0]))
    ]


def _echoed(text: str, echoes: Iterable[Found]) -> Iterator[Found]:
    for echo in echoes:
        at = text.find(echo.text)
        while at >= 0:
            end = at + len(echo.text)
            if echo.kind != "person" or _is_word(text, at, end):
                yield Found(echo.kind, at, end, echo.detail, echo.score / 2)
            at = text.find(echo.text, end)


def _is_word(text: str, start: int, end: int) -> bool:
    return not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())
