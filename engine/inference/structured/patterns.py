"""Regular expressions in bounded time: llguidance says which it can follow, `regex` searches with a deadline.

Python's own `re` has no deadline, and a pattern such as `^(a+)+$` can keep it busy for hours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache

import regex
from llguidance import LLMatcher

from engine.inference.structured.limits import LIMITS
from engine.inference.structured.vocabulary import byte_vocabulary

SEARCH_SECONDS = 1.0


class TooSlow(Exception):
    """A search did not end in time."""


@lru_cache(maxsize=512)
def pattern_problem(pattern: str) -> str:
    """Why llguidance cannot follow `pattern` in a schema; empty when it can."""
    return _first_line(_matcher(json.dumps({"type": "string", "pattern": as_followed(pattern)})))


def as_followed(pattern: str) -> str:
    """A schema's pattern as llguidance 1.9 follows it in JSON: what it writes then is what `searches` finds.

    In its classes, brackets nest and `&&` and `~~` are operators, elsewhere they are letters. A class of all
    control characters lets every escape pass: `[^"]` an escaped quotation mark, `[^\\]` an escaped backslash;
    so one control character is left out of negated classes. Its `\\w` and `\\d` are ASCII's, as in ECMA-262,
    where others take all alphabets in: what is no `\\w` here is none for them either.
    """
    found, parts = list[str](), iter(_PARTS.findall(pattern))
    for part in parts:
        found.append(_class(part, parts) if part.startswith("[") else _NEGATED.get(part, part))
    return "".join(found)


def _class(opening: str, parts: Iterator[str]) -> str:
    """A class of characters, up to its closing bracket; one that never closes stays as it is."""
    negated, body = opening == "[^", list[str]()
    for part in parts:
        if part == "]" and body:
            break
        body.append(f"\\{part}" if part in _PLAIN else part)
        if part == "[^":
            body[-1] = r"\[\^"
        elif negated:
            body.append(_BESIDES.get(part, ""))
        elif part == r"\W":
            body[-1] = _NO_WORD
        elif part == r"\D":
            body[-1] = r"\P{Nd}"
    else:
        return opening + "".join(body)
    return f"{opening}{RARE if negated else ''}{''.join(body)}]"


RARE = r"\x01"
"""A control character that nobody misses."""
_PARTS = re.compile(r"\\.|\[\^?|.", re.DOTALL)
_BRACED = re.compile(r"\\u\{([0-9A-Fa-f]{1,6})\}")  # ECMA-262's; `regex` has another way
_ENDS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]])*\]?|\$", re.DOTALL)  # `$` and what it may stand in
_PLAIN = ("[", "]", "&", "~")
_NO_WORD = r"\x00-\x2F\x3A-\x40\x5B-\x5E\x60\x7B-\x7F"
_NEGATED = {r"\W": f"[{_NO_WORD}]", r"\D": r"\P{Nd}"}
_BESIDES = {r"\w": r"\x{80}-\x{10FFFF}", r"\d": r"\p{Nd}"}


def searches(pattern: str, text: str) -> bool:
    """Whether `pattern` matches somewhere in `text`. Raises TooSlow; an invalid pattern matches nothing.

    `$` is the very end, as in ECMA-262: `regex` would take it for the place before a last newline too.
    """
    try:
        return _compiled(pattern).search(text, timeout=SEARCH_SECONDS) is not None
    except TimeoutError as error:
        raise TooSlow(pattern) from error
    except regex.error:
        return False


def has_format(text: str, name: str) -> bool:
    """Whether `text` is of a format that llguidance has a grammar for."""
    matcher = _matcher(json.dumps({"type": "string", "format": name})).deep_copy()
    data = json.dumps(text, ensure_ascii=False).encode("utf-8", errors="surrogatepass")
    return matcher.try_consume_tokens(list(data)) == len(data) and matcher.is_accepting()


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> regex.Pattern[str]:
    ends = _ENDS.sub(lambda match: r"\Z" if match[0] == "$" else match[0], pattern)
    return regex.compile(_BRACED.sub(lambda match: f"\\U{match[1]:0>8}", ends))


@lru_cache(maxsize=256)
def _matcher(schema: str) -> LLMatcher:
    grammar = LLMatcher.grammar_from_json_schema(schema)
    return LLMatcher(byte_vocabulary().tokenizer, grammar, log_level=0, limits=LIMITS)


def _first_line(matcher: LLMatcher) -> str:
    """The first line of a matcher's error that says something."""
    if not matcher.is_error():
        return ""
    lines = [line.strip() for line in matcher.get_error().splitlines() if line.strip()]
    said = [line.removeprefix("error: ") for line in lines if line.startswith("error:")] or lines[:1]
    return said[0][:200] if said else "no reason was given"
