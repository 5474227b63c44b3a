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
_FIRST = re.compile(
    r"\d[A-Za-z]?,? (?:[A-ZÀ-ÖØ-ÞĀ-Ž0-9]|bis |ter |rue |av|boul|bd |place |chemin |impasse |allée |quai "
    r"|route |cours |passage )"
)
"""A number's last digit with what may follow one that comes before its street."""
_HOUSE = re.compile(r"\d{1,6}(?:[\-/]\d{1,4})?\Z")
_FULL_STOP = re.compile(r"(?<=[a-z]{5})\.\Z")
_LAST = re.compile(r" \d{1,6}(?!\d)")
_AFTER_NAME = re.compile(r"(?:^|\s)((?:" + _CAP + r" ){0,2}[^\W\d_][\w'\u2019\-]{2,30}\.?),? \Z")
_SUFFIXES = (
    "straße", "strasse", "str.", "gasse", "platz", "allee", "damm", "ufer", "chaussee", "gatan", "vägen",
    "gränd", "gade",
    "vej", "vænget", "veien", "vegen", "gata", "katu", "kuja", "straat", "laan", "plein", "gracht", "kade",
    "singel", "utca",
    "tér",
)  # fmt: skip
_SUFFIX_TAILS = frozenset(suffix[-3:] for suffix in _SUFFIXES)
_MARKS = ("\u00ba", "\u00b0", ".")
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
_ZIP_UK = re.compile(r"[A-Z][A-Z]?\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}")
_ZIP_CA = re.compile(r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] \d[ABCEGHJ-NPRSTV-Z]\d")
_LETTER_AND_DIGIT = re.compile(r"[A-Z]\d")
_ZIP_NAMED = re.compile(
    r"\b(?:zip ?code|zip|postal ?code|post ?code|plz|postleitzahl|code postal|código postal"
    r")\b(?: (?:is|was))?\s?[:=]?\s?"
    r"(?P<code>\d{3,6}(?:[ \-]\d{2,4})?(?: ?[a-z]{2}\b)?|[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}\b)(?![\d.,]*\d)"
)


def addresses(reading: Reading) -> Iterator[Found]:
    """Streets with house numbers, boxes, postcodes, city lines. Parts that touch are one find."""
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
    for last in _FIRST.finditer(text):
        if number := _HOUSE.search(text, max(0, last.start() - 10), last.start() + 1):
            if match := _STREET.match(text, number.start()):
                yield match.start(), match.start() + len(_FULL_STOP.sub("", match.group()))
            elif match := _ROMANCE_AFTER.match(text, number.start()):
                yield match.start(), match.start() + len(match.group().rstrip("."))
    for number in _LAST.finditer(text):
        space = number.start()
        word_end = space - 1 if text[space - 1] == "," else space
        tail = text[word_end - 3 : word_end].lower()
        if tail in _SUFFIX_TAILS or text[text.rfind(" ", 0, word_end) + 1].isupper() or tail[-1:] in _MARKS:
            yield from _before(reading, space + 1, number.end(), word_end)
    if _LETTER_AND_DIGIT.search(text):
        for form in (_ZIP_UK, _ZIP_CA):
            yield from (match.span() for match in form.finditer(text))
    if reading.has(("box", "postfach", "apartado")):
        yield from (match.span() for match in _BOX.finditer(reading.lower))
    if reading.has(("zip", "post", "plz")):
        yield from (match.span("code") for match in _ZIP_NAMED.finditer(reading.lower))


def _before(reading: Reading, start: int, end: int, word_end: int) -> Iterator[tuple[int, int]]:
    """Forms in which the number stands last: `Hauptstraße 5`, `Calle Mayor 12`, `Austin, TX 78701`."""
    begin = max(0, start - 60)
    left = reading.text[begin:start]
    if reading.lower.endswith(_SUFFIXES, begin, word_end):
        if match := _AFTER_NAME.search(left):
            yield begin + match.start(1), end + reading.text[end : end + 1].isalpha()
    elif match := _ROMANCE_BEFORE.search(left):
        yield begin + match.start(), end
    elif (
        end - start == 5 and (match := _US_TAIL.search(left)) and (code := _ZIP_US.match(reading.text, start))
    ):
        yield begin + match.start(), code.end()
