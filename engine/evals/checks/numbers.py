"""Numbers as people and models write them: found in a text, and read.

    1,234.50   1'234   -$5   .5   1.2e-3   1.2 x 10^-3   10^6   3/4   1 3/4   \\frac{3}{4}   2½   15%

Signs of currency and percent are left out: 15% is 15. A number ends where a unit begins; one that hangs on
letters (CO2) is part of a word. Which of comma and point is the decimal sign is told, never guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from decimal import Context, Decimal, InvalidOperation
from functools import cache
from typing import Literal

Sign = Literal[".", ","]
LARGEST = 1000
"""Powers of ten; what is larger, or nearer to 0, is not taken for a number."""

_DIVIDE = Context(prec=40)
_VULGAR = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_TIMES = "\u00d7"
_MINUS = "-\u2212\u2013"
_POWER_OF_TEN = re.compile(
    rf"(?<![\w.,{_TIMES}*·])(?<![{_TIMES}x*·] )10(?=(?:\^|\*\*)\{{?[-+\u2212]?\d|[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹])"
)
"""Ten to a power that multiplies nothing. In **10** the stars are emphasis."""
_LATEX = (
    (re.compile(r"\\(?:text|mathrm|mathbf|textbf)\{([^{}]*)\}"), r" \1 "),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\[,!;: ]"), ""),
    (re.compile(r"\\([$%#&])"), r"\1"),
    (re.compile(r"\\[dt]?frac\s*\{([^{}]+)\}\s*\{([^{}]+)\}"), r" \1/\2 "),
    (re.compile(r"\\[dt]?frac\s*(\d)\s*(\d)"), r" \1/\2 "),
    (re.compile(r"\\(?:times|cdot)\b"), _TIMES),
)


def numbers_in(text: str, decimal: Sign = ".") -> list[Decimal]:
    """All numbers of a text, in order."""
    return [value for value, _ in placed(text, decimal)]


def placed(text: str, decimal: Sign = ".") -> Iterator[tuple[Decimal, int]]:
    """All numbers of a text with the places where they begin; of a text that went through `plain`."""
    text = plain(text)
    for match in _pattern(decimal).finditer(text):
        before = text[match.start() - 1 : match.start()]
        sign = match["sign"] or ""
        # In 10-5 and in a-5 the sign is no sign of the number; in CO2 the 2 is part of a word.
        if before.isalnum() or before == "_":
            if not sign and (before.isalpha() or before == "_"):
                continue
            sign = ""
        value = _value(match, decimal)
        if value is not None:
            yield (-value if sign and sign in _MINUS else value), match.start()


def as_number(text: str, decimal: Sign = ".") -> Decimal | None:
    """A text that is a number, emphasis and a full stop aside; None where it is something else."""
    bare = plain(text).strip().strip("*_`").strip().rstrip(".")
    if len(bare) > 1 and bare[0] == bare[-1] == "$":  # a formula, not a price
        bare = bare[1:-1]
    match = _pattern(decimal).fullmatch(bare.strip())
    if match is None:
        return None
    value = _value(match, decimal)
    return -value if value is not None and match["sign"] and match["sign"] in _MINUS else value


def plain(text: str) -> str:
    """A text with LaTeX's and full-width spellings of numbers made plain ones, and 10^6 as one times 10^6."""
    text = text.translate(_WIDE)
    if "\\" in text or "{" in text:
        for pattern, instead in _LATEX:
            text = pattern.sub(instead, text)
    return _POWER_OF_TEN.sub(f"1{_TIMES}10", text)


@cache
def _pattern(decimal: Sign) -> re.Pattern[str]:
    """A number with what belongs to it. Thousands stand in groups of three, in India of two as well."""
    group = r"[,\u202f\u00a0\u2009'\u2019]" if decimal == "." else r"[.\u202f\u00a0\u2009'\u2019 ]"
    point = re.escape(decimal)
    grouped = rf"\d{{1,3}}(?:{group}\d{{2,3}}){{0,12}}{group}\d{{3}}(?!\d)"
    return re.compile(
        rf"""
        (?P<sign>[-+\u2212\u2013]?) [$€£¥₹]? (?P<inner>(?<=[$€£¥₹])[-\u2212])?
        (?: (?:(?P<whole>\d+)[ ])? (?<![\d/.,]) (?P<top>\d+) [ ]?[/\u2044][ ]? (?P<bottom>\d+) (?![\d/]|\.\d)
          | (?P<before>\d*) [ ]? (?P<vulgar>[{_VULGAR}])
          | (?P<number> (?:{grouped} | \d+) (?:{point}\d+)? | (?<!\d){point}\d+ )
            (?: [eE](?P<exponent>[-+\u2212]?\d+)
              | [ ]?[{_TIMES}x*·][ ]?10 (?: (?:\^|\*\*)\{{?(?P<power>[-+\u2212]?\d+)\}}?
                                      | (?P<raised>[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+) )
            )?
        )
        [ ]?%?
        """,
        re.VERBOSE,
    )


def _value(match: re.Match[str], decimal: Sign) -> Decimal | None:
    """The number without its sign; None where it is none after all (1/0), or beyond LARGEST."""
    if match["bottom"]:
        return _fraction(match["whole"] or "0", match["top"], match["bottom"])
    if match["vulgar"]:
        part = Decimal(str(unicodedata.numeric(match["vulgar"])))
        return Decimal(match["before"] or "0") + part
    digits = re.sub(rf"[^\d{re.escape(decimal)}]", "", match["number"]).replace(",", ".")
    power = match["exponent"] or match["power"] or (match["raised"] or "").translate(_RAISED)
    try:
        value = Decimal(f"{digits}e{power.replace(chr(0x2212), '-')}" if power else digits)
    except InvalidOperation:
        return None
    if value and abs(value.adjusted()) > LARGEST:
        return None
    return -value if match["inner"] else value


def _fraction(whole: str, top: str, bottom: str) -> Decimal | None:
    if max(map(len, (whole, top, bottom))) > LARGEST or int(bottom) == 0:
        return None
    return Decimal(whole) + _DIVIDE.divide(Decimal(top), Decimal(bottom))
