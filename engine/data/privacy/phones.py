"""Phone numbers: what looks like one is judged by Google's libphonenumber, and by the words before it.

Order numbers, dates, amounts and versions look alike, so a number without a country code needs a form that
people write phones in, or a word like "call" nearby.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from engine.data.privacy.found import Found
from engine.data.privacy.reading import Reading, words

REGIONS: tuple[str, ...] = (
    "US",
    "GB",
    "DE",
    "FR",
    "ES",
    "IT",
    "NL",
    "BE",
    "CH",
    "AT",
    "SE",
    "DK",
    "PL",
    "AU",
    "IN",
    "BR",
)
"""Countries whose national numbers are known where none are given."""

_OPERATORS = ("=", "*", "\u00d7", "\u00f7", "\u2248", "^")
FEWEST, MOST = 7, 15  # digits; E.164 allows 15
_BREAK = re.compile(r"\s[\-/.]+\s|\s{2,}|[.)]{2,}|/\d{4}/")
_EXTENSION = re.compile(r"\s?(?:x|ext\.?|extension|#)\s?\d{1,6}\b", re.I)
_DATE = re.compile(
    r"(?:\d{4}[\-/.]\d{1,2}[\-/.]\d{1,2}|\d{1,2}[\-/.]\d{1,2}[\-/.]\d{2}(?:\d\d)?)(?:[ T]\d{1,2})?\Z"
)
_AMOUNT = re.compile(r"(?:\d{1,3}(?:\.\d{3})+|\d+\.\d+)\Z")
_PERIOD = re.compile(r"(?:1[0-9]|20)\d\d\s?[\-/]\s?(?:1[0-9]|20)\d\d\Z")
_SUM = re.compile(r"\(?\d{1,3}\.\d{1,2}(?![\d.])|\d+/\d{1,5}\Z|.*[\-/]\d+\.\d{1,2}\Z")
_GROUP = re.compile(r"\d\d")
_HOURS = re.compile(r"(?:[01]\d|2[0-4])[0-5]\d ?- ?(?:[01]\d|2[0-4])[0-5]\d\Z")
_SSN = re.compile(r"\d{3}-\d{2}-\d{4}\Z")
_NANP = re.compile(r"(?:\+?1[ .\-]?)?(?:\(\d{3}\) ?|\d{3}([ .\-]))\d{3}[.\- ]\d{4}\Z")
_CONTEXT = words(
    "phone", "phones", "telephone", "tel", "mobile", "cell", "cellphone", "call", "calling", "called",
    "fax", "whatsapp",
    "sms", "message", "messages", "answering", "text me", "text us",
    "contact", "reach", "dial", "ring", "hotline", "phone number", "landline",
    "voicemail",
    "telefon", "tel", "handy", "rufnummer", "telefonnummer", "anrufen", "téléphone", "telephone",
    "portable", "appelez",
    "teléfono", "telefono", "móvil", "celular", "llame", "cellulare", "chiamare", "telefone", "telemóvel",
    "puhelin",
)  # fmt: skip
_LABEL = words("office", "desk", "home", "work", "direct", "private")
_OTHER = words(
    "order", "invoice", "ticket", "tracking", "reference", "ref", "case", "id", "sku", "isbn", "issn",
    "serial", "amount",
    "total", "claim", "policy", "flight", "product", "item", "batch", "article", "part", "model",
    "booking", "transaction",
    "confirmation", "customer", "account", "acct", "version", "card", "zip", "plz", "postcode", "vin",
    "imei", "passport",
    "licence", "license", "ssn", "pin", "code", "block", "bestellung", "rechnung", "kunden", "commande",
    "pedido",
)  # fmt: skip


def phones(reading: Reading, regions: Iterable[str] = REGIONS) -> Iterator[Found]:
    """Phone numbers, with an extension where one follows."""
    known = tuple(regions)
    for run in reading.numbers:
        for start, end in _pieces(run.group()):
            candidate = _candidate(reading, run.start() + start, run.start() + end)
            if candidate and (score := _score(reading, *candidate, known)):
                extension = _EXTENSION.match(reading.text, candidate[1])
                yield reading.found(
                    "phone", candidate[0], extension.end() if extension else candidate[1], score
                )


def _pieces(run: str) -> Iterator[tuple[int, int]]:
    """The parts of a run of digits that could each be a number."""
    begin = 0
    for gap in [*_BREAK.finditer(run), None]:
        end = gap.start() if gap else len(run)
        part = run[begin:end]
        stripped = part.strip(" .-/)\u00a0")
        if FEWEST <= sum(map(str.isdigit, stripped)) <= MOST:
            offset = begin + part.index(stripped)
            yield offset, offset + len(stripped)
        begin = gap.end() if gap else end


def _candidate(reading: Reading, start: int, end: int) -> tuple[int, int] | None:
    """The span with `(` and `+` taken in; None for a part of something else."""
    text = reading.text
    if ")" in text[start:end] and text[start - 1 : start] == "(":
        start -= 1
    if text[max(0, start - 2) : start].endswith("+"):
        start -= 1
    elif text[max(0, start - 2) : start] == "+(":
        start -= 2
    before, after = text[start - 1 : start], text[end : end + 1]
    decimals = before in (".", ",") and text[max(0, start - 2) : start - 1].isdigit()
    if before.isalnum() or before in ("$", "€", "£", "_", "=", "@", "#", "%") or decimals:
        return None
    if after and (after in "%€$£_@" or (after.isalnum() and not _EXTENSION.match(text, end))):
        return None
    if (
        text[max(0, start - 2) : start].rstrip()[-1:] in _OPERATORS
        or text[end : end + 2].lstrip()[:1] in _OPERATORS
    ):
        return None
    written = text[start:end]
    if not _GROUP.search(written):
        return None
    if any(form.match(written) for form in (_DATE, _AMOUNT, _PERIOD, _SUM, _HOURS, _SSN)):
        return None
    return start, end


def _score(reading: Reading, start: int, end: int, regions: tuple[str, ...]) -> float:
    """How sure it is that the span is a phone number; 0 for no."""
    written = reading.text[start:end]
    digits = sum(map(str.isdigit, written))
    if written.startswith("+"):
        return {"valid": 0.95, "possible": 0.7}.get(_judged(written, ()), 0.0)
    if digits > (MOST if written.startswith("00") else 12) or reading.near(
        _OTHER, start, end, before=18, after=0
    ):
        return 0.0
    if reading.near(_CONTEXT, start, end, before=45, after=12) or reading.near(_LABEL, start, end, 8, 10):
        judged = _judged(written, regions)
        return (
            0.9 if judged == "valid" else 0.6 if judged or (digits <= 12 and not written.isdigit()) else 0.0
        )
    score = _score_if_valid(reading, start, end)
    return score if score and _judged(written, regions) == "valid" else 0.0


def _score_if_valid(reading: Reading, start: int, end: int) -> float:
    """How sure a valid number is to be one where no words say so; 0 for not at all."""
    written = reading.text[start:end]
    if written.isdigit():
        return 0.5 if written[0] == "0" and len(written) >= 10 else 0.0
    alone = start == 0 and end == len(reading.text.rstrip(" .!"))
    return 0.7 if _NANP.match(written) or written[0] == "0" or written.startswith("(0") or alone else 0.0


@lru_cache(maxsize=65_536)
def _judged(written: str, regions: tuple[str, ...]) -> str:
    """`valid` in one of the regions (or by its country code), else `possible`, else empty."""
    import phonenumbers

    best = ""
    for region in regions or (None,):
        try:
            number = phonenumbers.parse(written, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return "valid"
        if phonenumbers.is_possible_number(number):
            best = "possible"
    return best
