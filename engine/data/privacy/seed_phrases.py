"""Seed phrases: 12 to 24 words of one BIP-39 list in a row, numbered, quoted or separated by commas too.

Phrases whose checksum fails count as well: somebody mistyped or swapped a word of a real one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from engine.data.privacy.found import Found
from engine.data.privacy.reading import Reading

FEWEST, MOST = 12, 24
LENGTHS = (12, 15, 18, 21, 24)
FEWEST_DIFFERENT = 6
SHORTEST_UNSPACED = 47  # twelve words of three letters, and what divides them
_JOINTS = re.compile(r"[,;|\"'/]|\\[nt]")
STEP = 11
"""Every 11th token is looked at: one of twelve words in a row is hit, also with numbers between them."""
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u3099\u309a])*")
_BETWEEN = re.compile(
    r"(?:[\s,;|/\"'`\[\]()*_\u3000\-\u2022]|\d{1,2}\s?[.):\-]|\\[nt]|(?<=\s)\d{1,2}(?=\s)){1,12}\Z"
)
_STRIP = "\"'`.,;:()[]{}*-_0123456789#|"


def seed_phrases(reading: Reading) -> Iterator[Found]:
    """Runs of 12 to 24 words that all stand in the word list of one language."""
    if not _may_hold_one(reading):
        return
    run: list[re.Match[str]] = []
    every = _all_words()
    for word in [*_WORD.finditer(reading.text), None]:
        listed = word is not None and _normal(word.group()) in every
        follows = bool(run and word and _BETWEEN.match(reading.text, run[-1].end(), word.start()))
        if listed and (follows or not run):
            run.append(word)  # type: ignore[arg-type]  # listed says that it is a word
            continue
        yield from _judge(reading, run)
        run = [word] if listed and word else []


def _judge(reading: Reading, run: list[re.Match[str]]) -> Iterator[Found]:
    if len(run) < FEWEST:
        return
    words = [_normal(word.group()) for word in run]
    languages = [name for name, listed in _lists().items() if listed.issuperset(words)]
    if not languages or (len(words) not in LENGTHS and words == sorted(words)):
        return
    begin, count = 0, len(words)
    if count > MOST:
        begin, count = _genuine_part(words, languages)
    chosen = words[begin : begin + count]
    genuine = _checks(chosen, languages)
    if genuine or (len(set(chosen)) >= FEWEST_DIFFERENT and chosen != sorted(chosen)):
        end = run[begin + count - 1].end()
        yield reading.found("seed_phrase", run[begin].start(), end, 1.0 if genuine else 0.8, f"{count} words")


def _genuine_part(words: list[str], languages: list[str]) -> tuple[int, int]:
    """Where a phrase with a right checksum begins in a long run, longest first,
    and its length; 0 for none."""
    for count in reversed(LENGTHS):
        for begin in range(min(len(words) - count + 1, 4 * MOST)):
            if _checks(words[begin : begin + count], languages):
                return begin, count
    return 0, 0


def _checks(words: list[str], languages: list[str]) -> bool:
    if len(words) not in LENGTHS:
        return False
    return any(_mnemonic(language).check(" ".join(words)) for language in languages)


def _may_hold_one(reading: Reading) -> bool:
    """Whether twelve listed words may stand in a row: looks at every few words only."""
    tokens = reading.pieces
    if tokens and max(map(len, tokens)) >= SHORTEST_UNSPACED:
        tokens = _JOINTS.sub(" ", reading.text).split()
    if len(tokens) < FEWEST:
        return False
    every = _all_words()
    for at in range(STEP - 1, len(tokens), STEP):
        token = tokens[at].strip(_STRIP)
        if (token in every or _normal(token) in every) and _around(tokens, at, every):
            return True
    return False


def _around(tokens: list[str], index: int, every: frozenset[str]) -> bool:
    """Whether at least twelve listed words stand around `index`, numbering left out of account."""
    count = 1
    for step in (-1, 1):
        at = index + step
        while 0 <= at < len(tokens) and count < FEWEST:
            bare = tokens[at].strip(_STRIP)
            if bare and _normal(bare) not in every and not _is_pair(bare, every):
                break
            count += bool(bare)
            at += step
    return count >= FEWEST


def _is_pair(token: str, every: frozenset[str]) -> bool:
    """`1.abandon` and `abandon-ability` lose no word by being written together."""
    return not token.isalpha() and all(_normal(part) in every for part in _WORD.findall(token))


def _normal(word: str) -> str:
    lower = word.lower()
    return lower if lower.isascii() else unicodedata.normalize("NFKD", lower)


@cache
def _lists() -> dict[str, frozenset[str]]:
    from mnemonic import Mnemonic

    return {
        name: frozenset(map(_normal, _mnemonic(name).wordlist)) for name in sorted(Mnemonic.list_languages())
    }


@cache
def _mnemonic(language: str):  # type: ignore[no-untyped-def]  # its type is the package's own, imported late
    from mnemonic import Mnemonic

    return Mnemonic(language)


@cache
def _all_words() -> frozenset[str]:
    return frozenset().union(*_lists().values())
