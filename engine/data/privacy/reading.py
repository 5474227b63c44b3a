"""A text as the detectors read it: what several of them need is worked out once, and only when asked for.

Most texts hold nothing, so each detector first asks something cheap. Patterns that run over every text begin
with a plain class of characters, which the search skips to: a look-behind in front would make it five times
slower, a repetition half as fast.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from engine.data.privacy.found import Found, Kind

_TOKEN = re.compile(r"[0-9A-Za-z][0-9A-Za-z]{8,}")
_LONG_NUMBER = re.compile(r"\d\d\d\d")
_DIGIT_RUN = re.compile(r"\d[\d \u00a0().\-/\u2010\u2011]{4,}\d")


T = TypeVar("T")


class once(Generic[T]):
    """A property that is worked out once.

    `functools.cached_property` takes a lock each time, which was a quarter of all that a search costs; a
    reading belongs to one thread.
    """

    def __init__(self, function: Callable[[Any], T]) -> None:
        self._function = function
        self._name = function.__name__
        self.__doc__ = function.__doc__

    def __get__(self, instance: Any, owner: type) -> T:
        value = instance.__dict__[self._name] = self._function(instance)
        return value


class Reading:
    """A text with its lower-case form, its words and its runs of digits."""

    def __init__(self, text: str) -> None:
        self.text = text

    @once
    def lower(self) -> str:
        """The text in lower case, character for character: offsets are those of the text."""
        lower = self.text.lower()
        if len(lower) == len(self.text):
            return lower
        return "".join(char.lower() if len(char.lower()) == 1 else char for char in self.text)

    @once
    def pieces(self) -> list[str]:
        """What white space divides."""
        return self.text.split()

    @once
    def long_number(self) -> bool:
        """Whether four digits stand in a row anywhere."""
        return _LONG_NUMBER.search(self.text) is not None

    @once
    def mixed(self) -> list[re.Match[str]]:
        """Tokens of letters and digits, from nine characters on, that hold a digit: no plain words."""
        for piece in self.pieces:  # most texts have none, and what is short or a word is told at a glance
            if len(piece) > 8 and not piece.isalpha() and not all(map(str.isalpha, _TOKEN.findall(piece))):
                return [one for one in _TOKEN.finditer(self.text) if not one.group().isalpha()]
        return []

    @once
    def digit_runs(self) -> list[re.Match[str]]:
        """Digits with the separators that numbers are written with, at least six characters."""
        return list(_DIGIT_RUN.finditer(self.text))

    @once
    def numbers(self) -> list[re.Match[str]]:
        """The runs that hold six digits or more: no sums and no ranges of small numbers."""
        return [run for run in self.digit_runs if sum(map(str.isdigit, run.group())) >= 6]

    def has(self, words: Iterable[str]) -> bool:
        """Whether any of `words` (lower case) stands anywhere in the text."""
        lower = self.lower
        for word in words:  # noqa: SIM110  # half the time of any() with a generator, on every text
            if word in lower:
                return True
        return False

    def near(self, pattern: re.Pattern[str], start: int, end: int, before: int = 40, after: int = 20) -> bool:
        """Whether `pattern` (lower case) occurs around [start, end)."""
        left = self.lower[max(0, start - before) : start]
        right = self.lower[end : end + after]
        return bool(pattern.search(left) or pattern.search(right))

    def stands_alone(self, start: int, end: int) -> bool:
        """Whether [start, end) is no part of a longer word or number."""
        text = self.text
        return not (
            (start > 0 and (text[start - 1].isalnum() or text[start - 1] == "_"))
            or (end < len(text) and (text[end].isalnum() or text[end] == "_"))
        )

    def found(self, kind: Kind, start: int, end: int, score: float, detail: str = "") -> Found:
        """A find at [start, end)."""
        return Found(kind, start, end, self.text[start:end], score, detail)


def words(*alternatives: str) -> re.Pattern[str]:
    """A pattern for any of these as whole words; spaces match any white space, hyphens and underscores."""
    joined = "|".join(re.escape(word).replace(r"\ ", r"[\s_\-]*") for word in alternatives)
    return re.compile(rf"(?<![^\W_])(?:{joined})(?![^\W_])")
