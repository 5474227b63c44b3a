"""Where people live: house number and street as several countries write them, boxes, postcodes.

Conservative on purpose: a place's name alone is no address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.data.privacy.found import Found
from engine.data.privacy.reading import Reading

_CAP = r"[A-ZÀ-ÖØ-ÞĀ-Ž0-9][\w'\u2019\-]*\.?"
_UNIT = r"(?:,?\s{1,3}(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Room|Rm|#)\.? ?#?\w{1,6}\b)?"
_STREET = re.compile(
    rf"\d{{1,6}}[A-Za-z]?(?:[\-/]\d{{1,4}})?,? (?:{_CAP} ){{1,5}}"
    r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Place|Pl|Square|Sq|Terrace"
    r"|Way|Parkway|Pkwy"
    r"|Highway|Hwy|Crescent|Cres|Close|Circle|Cir|Trail|Grove|Gardens|Mews|Row|Alley|Walk|Turnpike|Streets"
    r"|Squares|Roads)\b\.?" + _UNIT
)
_ROMANCE_AFTER = re.compile(
    r"\d{1,4}(?: ?(?:bis|ter|[A-D]))?,? (?:rue|avenue|av\.|boulevard|bd|place|chemin|impasse|allée|quai"
    r"|route|cours|passage)"
    r" (?:(?:de|du|des|la|le|les|d'|l')\s?)*" + _CAP + r"(?:[ \-](?:de |du |des |la )?" + _CAP + r"){0,3}",
)
_ROMANCE_BEFORE = re.compile(
    r"\b(?:Calle|C/|Avenida|Avda?\.?|Plaza|Paseo|Carrera|Via|Viale|Piazza|Corso|Vicolo|Rua|Travessa|Largo"
    r"|Praça|ulica|ul\.|aleja"
    r"|al\.|Rue|Avenue|Utca|Strada|Str\.|Bulevardul)\s(?:(?:de|del|della|dei|da|do|dos|das|la|las|los|di"
    r"|du|des) )*" + _CAP + r"(?: (?:de |del |da |do |y |e )?[^\W\d][\w'\u2019\-]*){0,3},? (?:n[ºo°]\.? ?)?\Z"
)
_ROMANCE_WORDS = (
    "calle ", "c/ ", "aven", "avda", "plaza ", "paseo ", "carrera ", "via ", "viale ", "piazza ", "corso ",
    "vicolo ", "rua ", "travessa ", "largo ", "praça ", "ulica ", "ul. ", "aleja ", "al. ", "rue ", "utca ",
    "strada ", "str. ", "bulevardul ",
)  # fmt: skip
_STREET_FOLLOWS = re.compile(
    r"[A-Za-z]?(?:[\-/]\d{1,4})?,? (?:[A-ZÀ-ÖØ-ÞĀ-Ž0-9]|bis|ter|ru|av|bo|bd|pl|ch|im|al|qu|ro|co|pa)"
)
_AFTER_NAME = re.compile(r"(?:^|\s)((?:" + _CAP + r" ){0,2}[^\W\d_][\w'\u2019\-]{2,30}\.?),? \Z")
_SUFFIXES = (
    "straße", "strasse", "str.", "gasse", "platz", "allee", "damm", "ufer", "chaussee", "gatan", "vägen",
    "gränd", "gade",
    "vej", "vænget", "veien", "vegen", "gata", "katu", "kuja", "straat", "laan", "plein", "gracht", "kade",
    "singel", "utca",
    "tér",
)  # fmt: skip
_BOX = re.compile(
    r"\b(?:p\.?\s?o\.?\s?box|postfach|post office box|apartado)\s?#?\s?\d{1,7}\b"
    r"|\bpsc \d{1,5},? box \d{1,6}\b"
)
_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC"
    "|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY|DC|PR"
)
_US_TAIL = re.compile(rf"(?:(?:{_CAP} ){{0,3}}{_CAP},? (?:{_STATES})|(?:APO|FPO|DPO) (?:AA|AE|AP)),? \Z")
_ZIP_US = re.compile(r"\d{5}(?:-\d{4})?(?![\w\-])")
_ZIP_UK = re.compile(r"[A-Z]{1,2}\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}")
_ZIP_CA = re.compile(r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] \d[ABCEGHJ-NPRSTV-Z]\d")
_ZIP_NAMED = re.compile(
    r"\b(?:zip ?code|zip|postal ?code|post ?code|plz|postleitzahl|code postal|código postal"
    r")\b(?: (?:is|was))?\s?[:=]?\s?"
    r"(?P<code>\d{3,6}(?:[ \-]\d{2,4})?(?: ?[a-z]{2}\b)?|[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}\b)(?![\d.,]*\d)"
)


def addresses(reading: Reading) -> Iterator[Found]:
    """Streets with house numbers, boxes, postcodes, city lines. Parts that touch are one find."""
    if not reading.numbers:
        return
    spans = sorted({span for span in _spans(reading) if reading.stands_alone(*span)})
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and _joined(reading.text[merged[-1][1] : start]):
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    for start, end in merged:
        yield reading.found("address", start, end, 0.7)


def _joined(between: str) -> bool:
    """Whether what stands between two parts (or nothing: they overlap) leaves them one address."""
    return len(between) <= 3 and not between.strip(", \n")


def _spans(reading: Reading) -> Iterator[tuple[int, int]]:
    text = reading.text
    romance, suffixed = reading.has(_ROMANCE_WORDS), reading.has(_SUFFIXES)
    for number in reading.numbers:
        start, end = number.span()
        if len(number.group()) > 6:
            continue
        if _STREET_FOLLOWS.match(text, end):
            for form in (_STREET, _ROMANCE_AFTER):
                if match := form.match(text, start):
                    yield match.span()
        if text[start - 1 : start] == " " and (romance or suffixed or end - start == 5):
            yield from _before(text, start, end, romance)
        elif text[start - 1 : start].isupper():
            yield from _lettered_code(text, start)
    if reading.has(("box", "postfach", "apartado")):
        yield from (match.span() for match in _BOX.finditer(reading.lower))
    if reading.has(("zip", "post", "plz")):
        yield from (match.span("code") for match in _ZIP_NAMED.finditer(reading.lower))


def _lettered_code(text: str, start: int) -> Iterator[tuple[int, int]]:
    """A British or Canadian postcode whose first digit stands at `start`."""
    for begin in (start - 2, start - 1):
        for form in (_ZIP_UK, _ZIP_CA):
            if begin >= 0 and (match := form.match(text, begin)):
                yield match.span()
                return


def _before(text: str, start: int, end: int, romance: bool) -> Iterator[tuple[int, int]]:
    """Forms in which the number stands last: `Hauptstraße 5`, `Calle Mayor 12`, `Austin, TX 78701`."""
    begin = max(0, start - 60)
    left = text[begin:start]
    word = left.rstrip(" ,").rpartition(" ")[2].lower()
    closed = end == len(text) or not text[end].isdigit()
    if word.endswith(_SUFFIXES) and closed and (match := _AFTER_NAME.search(left)):
        yield begin + match.start(1), end + (1 if text[end : end + 1].isalpha() else 0)
    elif romance and (match := _ROMANCE_BEFORE.search(left)):
        yield begin + match.start(), end
    elif end - start == 5 and (match := _US_TAIL.search(left)) and (code := _ZIP_US.match(text, start)):
        yield begin + match.start(), code.end()
