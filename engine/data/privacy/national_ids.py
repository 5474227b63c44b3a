"""Numbers that a state gives to people, each checked by its own rule (python-stdnum) where it has one.

A number of plain digits passes some country's check by chance, so those count only beside words that say what
they are; forms that nothing else has count alone.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple, cast

from engine.data.privacy.found import Found
from engine.data.privacy.reading import Reading, words


class IdRule(NamedTuple):
    """How one country writes its number. `module` is stdnum's; the form `bare` needs no words."""

    name: str
    module: str
    digits: re.Pattern[str]
    bare: re.Pattern[str] | None
    context: re.Pattern[str]


def _rule(name: str, module: str, form: str, bare: str, *context: str) -> IdRule:
    compiled = re.compile(bare) if bare else None
    return IdRule(name, module, re.compile(form), compiled, words(*context))


_ID = (
    "national id",
    "identity number",
    "id number",
    "personal number",
    "national insurance",
    "social security",
    "tax id",
)
_TAX = ("tax id", "tax number", "steuer id", "steuernummer", "tin", "fiscal")

NUMERIC: tuple[IdRule, ...] = (
    _rule("US SSN", "us.ssn", r"\d{3}[- ]?\d{2}[- ]?\d{4}", r"\d{3}-\d{2}-\d{4}", "ssn", "social security",
          "social"),
    _rule("US ITIN", "us.itin", r"\d{3}-?\d{2}-?\d{4}", "", "itin", *_TAX),
    _rule("UK NHS number", "gb.nhs", r"\d{3}[ -]?\d{3}[ -]?\d{4}", "", "nhs", "health service"),
    _rule("German tax id", "de.idnr", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", "", "idnr",
          "steuer identifikationsnummer", *_TAX),
    _rule("French NIR", "fr.nir", r"[12] ?\d{2} ?\d{2} ?\d{2} ?\d{3} ?\d{3} ?\d{2}", r"[12][\d ]{14,20}",
          "nir", "sécurité sociale", "securite sociale", "insee", *_ID),
    _rule("Dutch BSN", "nl.bsn", r"\d{9}|\d{4}\.\d{2}\.\d{3}", "", "bsn", "burgerservicenummer",
          "sofinummer"),
    _rule("Polish PESEL", "pl.pesel", r"\d{11}", "", "pesel", *_ID),
    _rule("Swedish personnummer", "se.personnummer", r"(?:\d{2})?\d{6}-?\d{4}", r"(?:\d{2})?\d{6}-\d{4}",
          "personnummer", *_ID),
    _rule("Danish CPR", "dk.cpr", r"\d{6}-?\d{4}", "", "cpr", "personnummer", *_ID),
    _rule("Norwegian fodselsnummer", "no.fodselsnummer", r"\d{6} ?\d{5}", "", "fødselsnummer",
          "personnummer", *_ID),
    _rule("Belgian national number", "be.nn", r"\d{2}\.?\d{2}\.?\d{2}-?\d{3}[.\-]?\d{2}",
          r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d",
          "rijksregisternummer", "registre national", *_ID),
    _rule("Swiss AHV", "ch.ssn", r"756\.?\d{4}\.?\d{4}\.?\d{2}", r"756\.\d{4}\.\d{4}\.\d{2}", "ahv", "avs",
          *_ID),
    _rule("Brazilian CPF", "br.cpf", r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", r"\d{3}\.\d{3}\.\d{3}-\d{2}", "cpf"),
    _rule("Canadian SIN", "ca.sin", r"\d{3}[- ]?\d{3}[- ]?\d{3}", "", "sin", "social insurance", "nas"),
    _rule("Aadhaar", "in_.aadhaar", r"\d{4}[ -]?\d{4}[ -]?\d{4}", "", "aadhaar", "aadhar", "uidai"),
    _rule("Australian TFN", "au.tfn", r"\d{3} ?\d{3} ?\d{2,3}", "", "tfn", "tax file"),
    _rule("Chinese identity number", "cn.ric", r"\d{17}[\dXx]", r"\d{17}[\dXx]", "identity"),
    _rule("Korean RRN", "kr.rrn", r"\d{6}-?\d{7}", r"\d{6}-\d{7}", "resident registration", *_ID),
    _rule("Japanese My Number", "jp.in_", r"\d{4} ?\d{4} ?\d{4}", "", "my number", "マイナンバー"),
    _rule("South African id", "za.idnr", r"\d{13}", "", *_ID),
    _rule("Turkish identity number", "tr.tckimlik", r"\d{11}", "", "tckn", "tc kimlik", "kimlik", *_ID),
    _rule("Romanian CNP", "ro.cnp", r"\d{13}", "", "cnp", *_ID),
    _rule("Czech or Slovak birth number", "cz.rc", r"\d{6}/?\d{3,4}", r"\d{6}/\d{4}", "rodné číslo",
          "birth number"),
    _rule("Bulgarian EGN", "bg.egn", r"\d{10}", "", "egn", "егн", *_ID),
    _rule("Estonian isikukood", "ee.ik", r"\d{11}", "", "isikukood", *_ID),
    _rule("Croatian OIB", "hr.oib", r"\d{11}", "", "oib"),
    _rule("Israeli identity number", "il.idnr", r"\d{9}", "", "teudat zehut", *_ID),
    _rule("Greek AMKA", "gr.amka", r"\d{11}", "", "amka", "αμκα", *_ID),
    _rule("Icelandic kennitala", "is_.kennitala", r"\d{6}-?\d{4}", "", "kennitala"),
    _rule("Portuguese NIF", "pt.nif", r"\d{9}", "", "nif", "contribuinte"),
)  # fmt: skip

LETTERED: tuple[IdRule, ...] = (
    _rule("UK National Insurance number", "",
          r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]",
          r".{9}", "national insurance"),
    _rule("Spanish DNI", "es.dni", r"\d{8}-?[A-Z]", r"\d{8}-?[A-Z]", "dni"),
    _rule("Spanish NIE", "es.nie", r"[XYZ]-?\d{7}-?[A-Z]", r".+", "nie"),
    _rule("Italian codice fiscale", "it.codicefiscale",
          r"[A-Z]{6}[0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]",
          r".+", "codice fiscale"),
    _rule("Mexican CURP", "mx.curp", r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d", r".+", "curp"),
    _rule("Indian PAN", "in_.pan", r"[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]", "", "pan", "permanent account"),
    _rule("Irish PPS", "ie.pps", r"\d{7}[A-W][A-IW]?", "", "pps", "ppsn"),
    _rule("Finnish henkilötunnus", "fi.hetu", r"\d{6}[+\-A-FU-Y]\d{3}[0-9A-Y]", r".+", "hetu",
          "henkilötunnus"),
    _rule("Chilean RUT", "cl.rut", r"\d{1,2}\.?\d{3}\.?\d{3}-[\dkK]", r"\d{1,2}\.\d{3}\.\d{3}-[\dkK]",
          "rut", "run"),
)  # fmt: skip

_LETTERED_START = re.compile(r"\d[\d.]{5,9}-?[0-9A-Za-z+]{1,5}")
_NINO_SPACED = re.compile(r"[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]")
_DOCUMENT = re.compile(
    r"\b(?P<what>passport|driv(?:er'?s?|ers'?|ing) ?licen[cs]e|licen[cs]e (?:id|plate)|identity card"
    r"|id card|national id"
    r"|personalausweis|reisepass|führerschein|passeport|pasaporte|social security)"
    r"(?: ?(?:number|num|no\.?|nr\.?|nummer|#|id))?(?: (?:is"
    r"|was))?\s?[:#=]?\s{0,2}(?P<number>[a-z]{0,3}[ \-]?\d[0-9a-z\-]{4,17})\b"
)
_DOCUMENT_WORDS = (
    "passport", "licen", "identity card", "id card", "national id", "personalausweis", "reisepass",
    "führerschein",
    "passeport", "pasaporte", "social security",
)  # fmt: skip


def national_ids(reading: Reading) -> Iterator[Found]:
    """Identity, insurance and tax numbers of people, and of their passports and driving licences."""
    for run in reading.numbers:
        yield from _numeric(reading, run)
    for start, end in _lettered_spans(reading):
        yield from _judge(reading, start, end, LETTERED)
    if reading.long_number and reading.has(_DOCUMENT_WORDS):
        for match in _DOCUMENT.finditer(reading.lower):
            if sum(map(str.isdigit, match["number"])) >= 5:
                yield reading.found("national_id", *match.span("number"), 0.7, match["what"])


def _numeric(reading: Reading, run: re.Match[str]) -> Iterator[Found]:
    written = run.group().rstrip(" .-/)(")
    if 9 <= sum(map(str.isdigit, written)) <= 18:
        end = run.start() + len(written)
        if reading.text[end : end + 1] in ("X", "x"):
            end += 1
        yield from _judge(reading, run.start(), end, NUMERIC)


def _lettered_spans(reading: Reading) -> Iterator[tuple[int, int]]:
    seen = {token.span() for token in reading.mixed if len(token.group()) <= 18}
    for run in reading.numbers:
        if match := _LETTERED_START.match(reading.text, run.start()):
            seen.add(match.span())
    if reading.has(("insurance", "nino", "ni number")):
        seen.update(match.span() for match in _NINO_SPACED.finditer(reading.text))
    yield from sorted(seen)


def _judge(reading: Reading, start: int, end: int, rules: tuple[IdRule, ...]) -> Iterator[Found]:
    """What the first rule that fits says of the span."""
    if not reading.stands_alone(start, end) or reading.text[start - 1 : start] in ("+", "$", "#"):
        return
    written = reading.text[start:end]
    shape = written.replace(" ", "") if rules is LETTERED else written
    for rule in rules:
        if not rule.digits.fullmatch(shape):
            continue
        named = reading.near(rule.context, start, end, before=50)
        if not named and not (rule.bare and rule.bare.fullmatch(shape)):
            continue
        if not rule.module or _validator(rule.module)(shape):
            yield reading.found("national_id", start, end, 1.0 if named else 0.8, rule.name)
            return


@cache
def _validator(module: str) -> Callable[[str], bool]:
    return cast(Callable[[str], bool], importlib.import_module(f"stdnum.{module}").is_valid)
