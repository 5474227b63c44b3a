"""Text cut at the coarsest separators that will do: lines, sentences, words, characters. Sizes are tokens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import msgspec

LONGEST_TOKEN = 12
"""Characters that count as one token at least: some tokenizers count a word of any length as one."""

# Full stops of Chinese and Japanese (U+3002, U+FF01, U+FF1F) have no space after them.
SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[.!?][\"')\]])\s+|(?<=[\u3002\uff01\uff1f])")
_SEPARATORS = (re.compile(r"\n{2,}"), re.compile(r"\n+"), SENTENCE, re.compile(r"\s+"))

Count = Callable[[str], int]


class Span(msgspec.Struct):
    """`text[start:end]` and its size in tokens."""

    start: int
    end: int
    size: int


def size_of(text: str, count: Count) -> int:
    """Tokens of `text`, with a word without end counted by its length."""
    return max(count(text), -(-len(text) // LONGEST_TOKEN))


def split(text: str, start: int, end: int, most: int, count: Count, level: int = 0) -> Iterator[Span]:
    """Spans of at most `most` tokens that hold all of `text[start:end]` but blank space between them."""
    size = size_of(text[start:end], count)
    if size <= most or end - start <= 1:
        yield Span(start, end, size)
    elif level == len(_SEPARATORS):
        middle = (start + end) // 2
        yield from split(text, start, middle, most, count, level)
        yield from split(text, middle, end, most, count, level)
    else:
        yield from joined(_parts(text, start, end, most, count, level), most)


def joined(spans: Iterable[Span], most: int) -> Iterator[Span]:
    """Neighbours put together again as long as they fit."""
    last: Span | None = None
    for span in spans:
        if last is not None and last.size + span.size <= most:
            last = Span(last.start, span.end, last.size + span.size)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last


def sentences(text: str, start: int, end: int, most: int, count: Count) -> Iterator[Span]:
    """The sentences of `text[start:end]`, one longer than `most` tokens cut."""
    for begin, stop in _between(text, start, end, SENTENCE):
        yield from split(text, begin, stop, most, count, 2)


def _parts(text: str, start: int, end: int, most: int, count: Count, level: int) -> Iterator[Span]:
    for begin, stop in _between(text, start, end, _SEPARATORS[level]):
        yield from split(text, begin, stop, most, count, level + 1)


def _between(text: str, start: int, end: int, separator: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """What stands between separators, without blank space around it."""
    at = start
    for match in separator.finditer(text, start, end):
        yield from _stripped(text, at, match.start())
        at = match.end()
    yield from _stripped(text, at, end)


def _stripped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    if inner := piece.strip():
        begin = start + len(piece) - len(piece.lstrip())
        yield begin, begin + len(inner)
