"""Payment card numbers: a brand's prefix and length, and the Luhn check digit (ISO/IEC 7812-1)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.data.privacy.found import Found
from engine.data.privacy.reading import Reading, words

_CARD = re.compile(r"\d(?:[ \u00a0\-]?\d){11,18}")
_CODE = re.compile(
    r"\b(?:cvv2?|cvc2?|security code|card verification)(?: (?:code|number))?(?:\s(?:is"
    r"|was))?\W{0,3}(\d{3,4})\b"
)
_CONTEXT = words(
    "card", "cards", "credit", "debit", "visa", "mastercard", "amex", "maestro", "discover", "karte",
    "kreditkarte",
    "carte", "tarjeta", "carta", "cartao", "cartão", "pan", "cc", "payment",
)  # fmt: skip
_BRANDS: tuple[tuple[str, re.Pattern[str], range | tuple[int, ...]], ...] = (
    ("Visa", re.compile("4"), (13, 16, 19)),
    ("Mastercard", re.compile("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),
    ("American Express", re.compile("3[47]"), (15,)),
    ("Diners Club", re.compile("30[0-5]|309|36|38|39"), (14, 16, 19)),
    ("JCB", re.compile("35(?:2[89]|[3-8])"), (16, 17, 18, 19)),
    ("JCB", re.compile("2131|1800"), (15,)),
    ("Discover", re.compile("6011|64[4-9]|65|622"), (16, 17, 18, 19)),
    ("UnionPay", re.compile("62|81"), (16, 17, 18, 19)),
    ("Mir", re.compile("220[0-4]"), (16, 17, 18, 19)),
    ("RuPay", re.compile("60|81|82|508"), (16,)),
    ("Maestro", re.compile("50|5[6-9]|6"), range(12, 20)),
)
SHORTEST_UNKNOWN = 15  # digits of a card of no known brand: shorter numbers pass Luhn too often
_RARE = {("Visa", 13), ("Visa", 19)}


def cards(reading: Reading) -> Iterator[Found]:
    """Card numbers, and the code on the card where words say that it is one."""
    for run in reading.numbers:
        for match in _CARD.finditer(run.group()):
            start, end = run.start() + match.start(), run.start() + match.end()
            if detail := _brand(reading, start, end):
                yield reading.found("card", start, end, 1.0, detail)
    if reading.has(("cvv", "cvc", "security code", "card verification")):
        for match in _CODE.finditer(reading.lower):
            yield reading.found("card", *match.span(1), 0.8, "card code")


def _brand(reading: Reading, start: int, end: int) -> str:
    """The brand whose card this is; empty for none. Rare forms need words about cards nearby."""
    from stdnum import luhn

    text = reading.text
    if not reading.stands_alone(start, end) or text[start - 1 : start] in ("+", "#", "."):
        return ""
    digits = re.sub(r"\D", "", text[start:end])
    if len(set(digits)) == 1 or not luhn.is_valid(digits):
        return ""
    named = reading.near(_CONTEXT, start, end, before=60, after=30)
    for brand, prefix, lengths in _BRANDS:
        if prefix.match(digits) and len(digits) in lengths:
            common = brand != "Maestro" and (brand, len(digits)) not in _RARE
            return brand if common or named else ""
    return "card" if named and len(digits) >= SHORTEST_UNKNOWN else ""
