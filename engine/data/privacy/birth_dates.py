"""Dates of birth: a date is one only where words say so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.data.privacy.found import Found
from engine.data.privacy.reading import Reading

_MONTHS = (
    "jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|février|mar(?:ch|s|zo)?|märz|apr(?:il)?|avril|abril|ma[yi]|mayo|mei"
    "|june?|juni?|juin|junio|july?|juli?|juillet|julio|aug(?:ust)?|août|agosto|sep(?:t(?:ember|embre|iembre)?)?"
    "|o[ck]t(?:ober|obre|ubre)?|nov(?:ember|embre|iembre)?|de[cz](?:ember|embre|iembre)?|décembre|enero|febrero|dicembre"
)
DATE = (
    r"(?:\d{4}[\-/.]\d{1,2}[\-/.]\d{1,2}|\d{1,2}[\-/.] ?\d{1,2}[\-/.] ?(?:\d{4}|\d{2})"
    rf"|\d{{1,2}}(?:st|nd|rd|th|\.)? (?:of |de )?(?:{_MONTHS})\.?,? (?:de |of )?\d{{4}}"
    rf"|(?:{_MONTHS})\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}})"
)
"""A calendar date, in lower case, with its year."""

_TRIGGERS = (
    "born", "birth", "dob", "d.o.b", "geb", "née", "né ", "naissance", "nacid", "nacimiento", "nato ",
    "nata ", "nascit",
    "nascid", "födelse", "urodz",
)  # fmt: skip
_BORN = re.compile(
    r"(?:\bborn\b|\bbirth(?:day|date)?\b|\bdob\b|\bd\.o\.b\b|\bgeb(?:oren|urtsdatum|\.)|\bnée? le\b"
    r"|\bnaissance\b|\bnacid[oa]\b"
    rf"|\bnacimiento\b|\bnat[oa] il\b|\bnascit|\bnascid|\bfödelse"
    rf"|\burodz)[^\d\n]{{0,30}}?\b(?P<date>{DATE})(?![\d/])"
)


def birth_dates(reading: Reading) -> Iterator[Found]:
    """Dates that follow closely on born, birthday, DOB and their like in other languages."""
    if (reading.long_number or "/" in reading.text) and reading.has(_TRIGGERS):
        for match in _BORN.finditer(reading.lower):
            yield reading.found("birth_date", *match.span("date"), 0.8)
