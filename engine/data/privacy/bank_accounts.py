"""IBANs (ISO 13616, check digits mod 97), and account, sort and routing numbers where words name them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.data.privacy.found import Found
from engine.data.privacy.reading import Reading, words

_IBAN = re.compile(r"[A-Za-z]{2}\d{2}(?:[ \u00a0\-]?[A-Za-z0-9]){11,30}")
_BEGINNING = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}(?:\d{2}(?:[ \u00a0\-][A-Za-z0-9]{4}){0,3}[ \u00a0\-]?)?\Z"
)
_IBAN_WORD = words("iban")
_COMPACT = re.compile(r"[A-Za-z]{2}\d{2}[A-Za-z0-9]{11,30}\Z")
_ACCOUNT = re.compile(
    r"\b(?:(?:bank |checking |savings |current )?account|acct|a/c|routing|aba|sort code|kontonummer|konto"
    r"|bankleitzahl|blz)"
    r"[ _]?(?:number|num|no\.?|nr\.?|#)?(?: (?:is|was|ending in))?\s?[:#=]?\s?"
    r"(\d{2}-\d{2}-\d{2}|\d(?:[ \-]?\d){5,16})(?![\d.,]*\d)"
)
_SHORTEST = 15  # Norway
LONGEST_BEFORE_DIGITS = 20  # "MT84 MALT " and its like, where digits alone follow


def ibans(reading: Reading) -> Iterator[Found]:
    """IBANs whose check digits are right, and well-formed ones that the text calls IBAN."""
    for start in sorted(_starts(reading)):
        match = _IBAN.match(reading.text, start)
        if match and (start == 0 or not reading.text[start - 1].isalnum()):
            yield from _iban(reading, match)


def bank_accounts(reading: Reading) -> Iterator[Found]:
    """Numbers that the words before them call an account's."""
    if (reading.long_number or "-" in reading.text) and reading.has(
        ("account", "acct", "a/c", "routing", "aba", "sort code", "konto", "bankleitzahl", "blz")
    ):
        for match in _ACCOUNT.finditer(reading.lower):
            yield reading.found("bank_account", *match.span(1), 0.7)


def _starts(reading: Reading) -> set[int]:
    compact = {token.start() for token in reading.mixed if _COMPACT.match(token.group())}
    spaced = set()
    for run in reading.digit_runs:
        begin = max(0, run.start() - LONGEST_BEFORE_DIGITS)
        if match := _BEGINNING.search(reading.text[begin : run.start()]):
            spaced.add(begin + match.start())
    return compact | spaced


def _iban(reading: Reading, match: re.Match[str]) -> Iterator[Found]:
    """The longest beginning of `match` that is an IBAN: what follows may be the next word."""
    from stdnum import iban

    text, end = match.group(), len(match.group())
    while end and sum(char.isalnum() for char in text[:end]) >= _SHORTEST:
        whole = reading.stands_alone(match.start(), match.start() + end)
        if whole and iban.is_valid(text[:end], check_country=False):
            yield reading.found("iban", match.start(), match.start() + end, 1.0)
            return
        end -= 1
        while end and not text[end - 1].isalnum():
            end -= 1
    if reading.near(_IBAN_WORD, *match.span(), after=0) and reading.stands_alone(*match.span()):
        yield reading.found("iban", *match.span(), 0.6)
