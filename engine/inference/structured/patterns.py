"""Regular expressions in bounded time: llguidance says which it can follow, `regex` searches with a deadline.

Python's own `re` has no deadline, and a pattern such as `^(a+)+$` can keep it busy for hours.
"""

from __future__ import annotations

import json
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
    return _first_line(_matcher(json.dumps({"type": "string", "pattern": pattern})))


def searches(pattern: str, text: str) -> bool:
    """Whether `pattern` matches somewhere in `text`. Raises TooSlow; an invalid pattern matches nothing."""
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
    return regex.compile(pattern)


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
