"""Replacing spans in JSON so that it stays JSON: inside strings, whole numbers as strings, structure never.

Works on the text as it stands: spacing, order of keys and escapes of all that is not replaced are kept. A
text that is no JSON document but holds one in a code fence is masked likewise inside the fence.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_FENCE = re.compile(r"```[a-zA-Z0-9]*\s*\n(.*?)```", re.S)
_LEXEME = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null')

Span = tuple[int, int, str]
"""[start, end) and what stands there instead."""


class _Lexeme(NamedTuple):
    start: int
    end: int
    is_string: bool


def json_parts(text: str) -> Iterator[tuple[int, int]]:
    """The string literals of a JSON text, quotes left out."""
    for begin, end in _documents(text):
        for lexeme in _lexemes(text, begin, end):
            if lexeme.is_string:
                yield lexeme.start + 1, lexeme.end - 1


def decoded(literal: str) -> str | None:
    """What the inside of a JSON string literal means; None where it is none."""
    try:
        meaning = json.loads(f'"{literal}"', strict=False)
    except ValueError:
        return None
    return meaning if isinstance(meaning, str) else None


def replaced_in_json(text: str, spans: Sequence[Span]) -> str:
    """`text` with the spans replaced; where it is JSON, so that it parses afterwards too.

    `spans` are in order and do not overlap; a span across several values replaces each of them.
    """
    documents = list(_documents(text))
    if not documents:
        return _replaced(text, spans)
    safe: list[Span] = []
    for begin, end in documents:
        within = [span for span in spans if span[0] < end and span[1] > begin]
        safe += _fitted(text, _lexemes(text, begin, end), within)
    outside = [part for span in spans for part in _outside(span, documents)]
    return _replaced(text, sorted(set(safe + outside)))


def _outside(span: Span, documents: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """The parts of a span that lie in no document."""
    position, last, instead = span
    for begin, end in documents:
        if position < end and begin < last:
            if position < begin:
                yield position, begin, instead
            position = end
    if position < last:
        yield position, last, instead


def _replaced(text: str, spans: Sequence[Span]) -> str:
    parts, position = [], 0
    for start, end, instead in spans:
        if start >= position:
            parts += [text[position:start], instead]
            position = end
    return "".join([*parts, text[position:]])


def _documents(text: str) -> Iterator[tuple[int, int]]:
    """Where JSON objects and arrays stand: the whole text, or the insides of code fences."""
    if text.lstrip()[:1] in ("{", "[") and _parses(text):
        yield 0, len(text)
    elif "```" in text:
        for fence in _FENCE.finditer(text):
            if fence[1].lstrip()[:1] in ("{", "[") and _parses(fence[1]):
                yield fence.span(1)


def _parses(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _lexemes(text: str, begin: int, end: int) -> list[_Lexeme]:
    return [
        _Lexeme(match.start(), match.end(), text[match.start()] == '"')
        for match in _LEXEME.finditer(text, begin, end)
    ]


def _fitted(text: str, lexemes: Sequence[_Lexeme], spans: Sequence[Span]) -> Iterator[Span]:
    """The spans cut to the values that they touch. A value that is no string is replaced by one, whole."""
    for start, end, instead in spans:
        first = bisect_right(lexemes, start, key=lambda lexeme: lexeme.end)
        last = bisect_left(lexemes, end, key=lambda lexeme: lexeme.start)
        for lexeme in lexemes[first:last]:
            if not lexeme.is_string:
                yield lexeme.start, lexeme.end, f'"{instead}"'
                continue
            inside = max(start, lexeme.start + 1), min(end, lexeme.end - 1)
            if inside[0] < inside[1]:
                yield *_whole_escapes(text, lexeme, *inside), instead


def _whole_escapes(text: str, lexeme: _Lexeme, start: int, end: int) -> tuple[int, int]:
    r"""The span widened so that no escape such as `\n` or `\u00e9` is cut in two."""
    for escape in re.finditer(r"\\(?:u[0-9a-fA-F]{4}|.)", text[lexeme.start : lexeme.end]):
        left, right = lexeme.start + escape.start(), lexeme.start + escape.end()
        if left < start < right:
            start = left if left > lexeme.start else start
        if left < end < right:
            end = right
    return start, end
