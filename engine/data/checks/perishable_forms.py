"""The sentences that state what will change, a pattern for each sort. All work on lower case.

Precise rather than complete: a pattern asks for a value and for words that tie it to the present.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_MONTHS = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DATE = (
    rf"(?:{_MONTHS}\.? (?:\d{{1,2}}(?:st|nd|rd|th)?,? )?\d{{4}}|\d{{1,2}}\.? {_MONTHS} \d{{4}}"
    r"|\d{4}-\d\d-\d\d|q[1-4] \d{4})"
)
_SIGN = r"(?:[$\u20ac\u00a3\u00a5\u20b9]|us\$|usd|eur|gbp|chf)"
_UNIT = r"(?:[$\u20ac\u00a3\u00a5\u20b9]|(?:usd|euros?|eur|gbp|chf|dollars|pounds|cents|eth|btc|sol|gwei)\b)"
_MONEY = rf"(?:{_SIGN} ?\d(?:[\d.,]*\d)?|\d(?:[\d.,]*\d)? ?{_UNIT})"
_SHARE = r"\d[\d.,]* ?(?:%|percent|per cent|basis points)"
_CLOCK = r"(?:\d{1,2}(?::\d\d)? ?(?:am|pm|a\.m\.|p\.m\.|h\b|uhr)|\d{1,2}:\d\d)"
_PERIOD = (
    r"(?:per|a|an|each|every|/) ?(?:\w+ )?"
    r"(?:month|year|week|day|hour|user|seat|transaction|transfer|night|mo\b|yr\b|gb\b|kwh)"
)
_OFFICES = (
    r"(?:ceo|cto|cfo|chief \w+ officer|president|prime minister|chancellor|king|queen|pope|mayor|governor"
    r"|chair(?:man|woman|person)?|secretary[\- ]general|secretary of \w+|minister of \w+|head coach"
    r"|world champion|managing director)"
)
_OFFICE_HINTS = (
    "ceo", "cto", "cfo", "officer", "president", "prime minister", "chancellor", "king", "queen", "pope",
    "mayor", "governor", "chair", "secretary", "minister of", "head coach", "world champion",
    "managing director",
)  # fmt: skip
PAST = re.compile(
    r"\b(?:former|was the|were|until \d{4}|from \d{4} to|in (?:1\d{3}|200\d|201\d)\b|born|founded)"
)
"""Words of history: what they speak of does not change any more."""


class Form(NamedTuple):
    """A sort of statement. `states` names its value; every match holds one of `hints`, and one of `also`.

    `derived` says that such a value may be the result of a sum.
    """

    id: str
    what: str
    derived: bool
    hints: tuple[str, ...]
    states: re.Pattern[str]
    also: tuple[str, ...] = ()

    def possible(self, text: str) -> bool:
        """Whether a text (lower case) can hold a match, which is quicker told than sought."""
        return _any_in(self.hints, text) and (not self.also or _any_in(self.also, text))


def _any_in(words: Iterable[str], text: str) -> bool:
    for word in words:  # noqa: SIM110  # half the time of any() with a generator, on every text
        if word in text:
            return True
    return False


FORMS: tuple[Form, ...] = (
    Form(
        "perishable/price",
        "prices, fees and limits",
        True,
        ("$", "\u20ac", "\u00a3", "\u00a5", "\u20b9", "usd", "eur", "gbp", "chf", "dollars", "pounds",
         "cents",
         "eth", "btc", "sol", "gwei"),
        re.compile(
            r"\b(?:costs?|priced?|prices|pricing|fees?|charged?|charges|subscriptions?|plans?|fares?|premium"
            r"|starts? (?:at|from)|tuition|rent|deposit|minimum|maximum|limit|trading at)\b"
            rf"[^.!?]{{0,60}}?(?P<v1>{_MONEY})"
            rf"|(?P<v2>{_MONEY})(?= ?{_PERIOD})|(?P<v3>{_MONEY}) (?:fees?|charge|subscription|plan|limit)"
        ),
    ),
    Form(
        "perishable/rate",
        "rates",
        True,
        ("%", "percent", "per cent", "basis points", "exchange rate"),
        re.compile(
            r"\b(?:fees?|interest|rates?|apr|apy|commission|vat|sales tax|yield|spread|cashback|inflation"
            rf"|discount)\b[^.!?]{{0,50}}?(?P<v1>{_SHARE})"
            rf"|(?P<v2>{_SHARE}) (?:\w+ )?(?:fee|interest|apr|apy|commission|vat|sales tax|tax rate|yield"
            r"|cashback|annual)\b|\bexchange rate\b[^.!?]{0,40}?(?P<v3>\d(?:[\d.,]*\d)?)"
        ),
    ),
    Form(
        "perishable/hours",
        "opening hours",
        True,
        ("open", "close", "hours", "available", "reachable", "staffed", "mon", "weekdays"),
        re.compile(
            r"\b(?:open|opening|opens|closed|closes|hours|available|reachable|staffed)\b[^.!?]{0,60}?"
            rf"(?P<v1>{_CLOCK}) ?(?:-|\u2013|to|until|and|bis)"
            r"|\b(?:mon(?:day)?|weekdays)\b ?(?:-|\u2013|to|through) ?(?:fri|sat|sun)\w*[^.!?]{0,20}?"
            r"(?P<v2>\d{1,2}(?::\d\d)?)"
        ),
    ),
    Form(
        "perishable/version",
        "versions",
        False,
        ("version", "release", "firmware", "build", "edition", "sdk", "api", "update", " v"),
        re.compile(
            r"\b(?:latest|newest|current|recent|stable|lts)\b[^.!?]{0,40}?"
            r"\b(?:version|release|build|firmware|edition|sdk|api"
            r"|update)\b[^.!?]{0,30}?(?P<v1>v?\d+(?:\.\d+)*)"
            r"|\b(?:version|release|firmware|v) ?(?P<v2>\d+(?:\.\d+)+)[^.!?]{0,60}?\b(?:latest|newest|current"
            r"|now available|just released|out now|was released|is required|or (?:later|newer|higher|above))"
        ),
    ),
    Form(
        "perishable/date",
        "dates that pass",
        False,
        ("as of", "updated", "until", "expire", "effective", "deadline", "due ", "scheduled", "planned",
         "released", "launch", "available", "discontinued", "shut down", "removed", "held", "takes place",
         "knowledge", "training data"),
        re.compile(
            r"\b(?:as of|last updated|updated on|valid until|expires? (?:on|in)|effective(?: from)?"
            r"|deadline(?: is)?|due (?:on|by)|scheduled for|planned for|will be (?:released|launched"
            r"|available"
            r"|discontinued|shut down|removed|held)(?: on| in| by)?|launch(?:es|ing) (?:on|in)|until"
            rf"|takes place(?: on)?)\b[^.!?]{{0,25}}?(?P<v1>{_DATE})"
            r"|\bas of (?P<v2>\d{4}|today|now|this writing|the time of writing|last \w+)"
            r"|\b(?:knowledge|training data) (?:cut-?off|ends?)\b[^.!?]{0,30}?(?P<v3>\d{4})"
        ),
    ),
    Form(
        "perishable/incumbent",
        "people in office",
        False,
        (" is ", ": ", "since"),
        re.compile(
            r"\b(?:current|present|incumbent|sitting|reigning)\b[^.!?]{0,12}?"
            rf"\b{_OFFICES}\b[^.!?]{{0,50}}?(?: is |: )(?P<v1>[^\W\d_]\w+)"
            rf"|(?P<v2>[^\W\d_]\w+ [^\W\d_]\w+) is (?:currently )?the (?:current |present |incumbent "
            rf"|sitting )?"
            rf"{_OFFICES} (?:of|at)\b"
            rf"|\bthe {_OFFICES} of [^.!?]{{2,40}}? is (?:currently )?(?P<v3>[^\W\d_]\w+)"
            rf"|\bhas been the {_OFFICES} (?:of|at) [^.!?]{{2,40}}?since (?P<v4>\d{{4}})"
        ),
        _OFFICE_HINTS,
    ),
    Form(
        "perishable/figure",
        "figures of the moment",
        True,
        ("current", "present", "moment", "right now", "today", "as of now", "nowadays", "these days",
         "this "),
        re.compile(
            r"\b(?:currently|at present|at the moment|right now|today|as of now|nowadays|these days"
            r"|this (?:year|month|quarter))\b,? [^.!?]{0,60}?(?P<v1>\d[\d.,]* ?(?:%|million|billion|thousand"
            r"|users|customers|employees|countries|stores|members|subscribers|gwei))"
        ),
    ),
)  # fmt: skip
