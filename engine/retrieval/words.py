"""Words of a text as search compares them: stems, with identifiers and numbers kept whole as well.

Knows no index and no model.
"""

from __future__ import annotations

import re
from functools import lru_cache

import Stemmer

# Letters and digits, and what joins them in code, versions and standards: eth_getBalance, v1.2, ERC-20.
_WORD = re.compile(r"[^\W_]+(?:[_.\-:@/+#][^\W_]+)*")
_PART = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_STOP_WORDS = """
a about after all also am an and any are aren as at be because been before but by can could couldn d did
didn do does doesn don for from had has have he her here him his how i if in is isn it its just ll m may me
might more most must my no not now of off on one only or other our out over re s she should shouldn so some
such t than that the their them then there these they this those to too under up us use ve very was wasn we
were what when where which who why will with won would wouldn yes you your
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())

_stemmer = Stemmer.Stemmer("english")


def terms(text: str) -> list[str]:
    """The terms of `text` in their order, stop words left out; a compound is followed by its parts.

    `eth_getBalance` gives eth_getbalance, eth, get, balanc.
    """
    found: list[str] = []
    for match in _WORD.finditer(text):
        found += _terms_of(match[0])
    return found


@lru_cache(maxsize=65536)
def _terms_of(word: str) -> tuple[str, ...]:
    parts = [piece for part in _PART.findall(word) for piece in _split_camel(part)]
    whole = word.lower()
    if len(parts) <= 1:
        return () if whole in STOP_WORDS else (_stem(whole),)
    lowered = [part.lower() for part in parts]
    return (whole, *(_stem(part) for part in lowered if part not in STOP_WORDS))


def _split_camel(part: str) -> list[str]:
    """`getBalance` in two; not 0x5aAeb6, whose capitals mean something else."""
    return _CAMEL.split(part) if part.isalpha() else [part]


def _stem(word: str) -> str:
    """The stem of a word of letters; anything with a digit in it is an identifier and stays."""
    stem: str = _stemmer.stemWord(word) if word.isalpha() else word
    return stem
