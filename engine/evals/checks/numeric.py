"""The check `numeric`: which number of an answer is meant, and whether it is the right one.

The strict reading of GSM8K is the one of its authors (Cobbe et al. 2021, grade-school-math/dataset.py): what
stands behind "####", without commas.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Literal

import msgspec

from engine.evals.checks.contract import Bench, CheckError, Judge, Kind, Reply, Verdict, passed, wanted
from engine.evals.checks.numbers import Sign, as_number, numbers_in, placed, plain

GSM8K = re.compile(r"#### (\-?[0-9\.\,]+)")
_HASHED = re.compile(r"^\s*####(?!#)(.*)$", re.MULTILINE)
_HEADING = re.compile(r"\s*\d+\s*[.):]\s+\S|.*:\s*$")
_SAID = re.compile(
    r"(?:(?:^|[.!?,;{]\s*)[\s*_#>`\"']*|\b(?:the|final|correct|right|my|our|this)\s+[*_`]*)answer\b[*_`\"']*"
    r"(?: (?:to|for|of|here)\b[^.,:=\n]{0,50}?)?\s*(?:\b(?:is|was|equals)\b:?|[:=])",
    re.IGNORECASE | re.MULTILINE,
)
_OPENING = re.compile(
    r"(?:[\s*_`$(≈~=:]|\\[(\[]|(?:about|approximately|approx\.?|roughly|exactly|just|only)\b)*"
)
_SENTENCE = re.compile(r"[.!?](?=[\s*]|$)|\n")
_COMMA = re.compile(r"(?<!\d)\d+,\d{1,2}(?![\d,])")

Extract = Literal["auto", "gsm8k", "boxed", "last", "first", "only"]


class NumericOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`tolerance` is absolute, `relative` a share of the right value; the larger margin holds.

    `extract`: gsm8k (what stands behind ####, else none), boxed (in the last \\boxed{}, else none), last or
    first number of the answer, only (the answer is a number and nothing else), auto (behind ####, in
    \\boxed{}, alone on the last line, behind "answer is" or "answer:", else the last number). `decimal`: the
    sign before decimals.
    """

    value: float | None = None
    tolerance: float = 0.0
    relative: float = 0.0
    extract: Extract = "auto"
    decimal: Sign = "."


def gsm8k_answer(text: str) -> str | None:
    """The final answer of a GSM8K solution as text without commas; None where there is none."""
    found = GSM8K.search(text)
    return found.group(1).strip().replace(",", "") if found else None


def extracted(text: str, how: Extract, decimal: Sign = ".") -> Decimal | None:
    """The number that an answer gives; None where it gives none."""
    match how:
        case "gsm8k":
            strict = gsm8k_answer(text)
            return as_number(strict) if strict is not None else None
        case "boxed":
            inner = boxed(text)
            return _last(inner, decimal) if inner is not None else None
        case "only":
            return as_number(text, decimal)
        case "first":
            return next(iter(numbers_in(text, decimal)), None)
        case "last":
            return _last(text, decimal)
        case "auto":
            return _meant(text, decimal)


def boxed(text: str) -> str | None:
    """What the last \\boxed{} holds, inner braces and all; None without any, or where it does not end."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    begin, depth = start + len("\\boxed{"), 1
    for at in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return text[begin:at]
    return None


def _meant(text: str, decimal: Sign) -> Decimal | None:
    """The number that is most clearly marked as the answer."""
    for line in _HASHED.findall(text):
        # With #### headings begin as well: "#### Step 1", "#### 2. Add them up".
        value, begins = _opening(line, decimal)
        if begins and not _HEADING.match(line):
            return value
    if (inner := boxed(text)) and (value := _last(inner, decimal)) is not None:
        return value
    lines = text.strip().splitlines()
    if lines and (value := as_number(lines[-1], decimal)) is not None:
        return value
    for said in reversed(list(_SAID.finditer(text))):
        if (value := _of_sentence(text[said.end() :], decimal)) is not None:
            return value
    return _last(text, decimal)


def _of_sentence(rest: str, decimal: Sign) -> Decimal | None:
    """The number that a sentence gives as the answer: what it begins with, what its last sum comes to, else
    the last one.
    """
    rest = _OPENING.sub("", plain(rest), count=1)
    end = _SENTENCE.search(rest)
    sentence = rest[: end.start() if end else len(rest)]
    if "=" in sentence:
        sentence = sentence.rpartition("=")[2]
    first, begins = _opening(sentence, decimal)
    return first if begins else _last(sentence, decimal)


def _opening(text: str, decimal: Sign) -> tuple[Decimal | None, bool]:
    """The first number of a text, and whether the text begins with it, emphasis and the like aside."""
    text = _OPENING.sub("", plain(text), count=1)
    value, place = next(placed(text, decimal), (None, -1))
    return value, place == 0


def _last(text: str, decimal: Sign) -> Decimal | None:
    found = numbers_in(text, decimal)
    return found[-1] if found else None


def numeric(options: NumericOptions, bench: Bench) -> Judge:
    """The answer's number is the right one."""
    for name, bound in (("tolerance", options.tolerance), ("relative", options.relative)):
        if not 0 <= bound < math.inf:
            raise ValueError(f"numeric: `{name}` is {bound}; it must be 0 or more, and end")
    if options.value is not None and not math.isfinite(options.value):
        raise ValueError(f"numeric: `value` is {options.value}, which no answer can be compared with")

    def judge(reply: Reply) -> Verdict:
        right = _right(options, reply)
        found = extracted(reply.text, options.extract, options.decimal)
        if found is None:
            return Verdict(0.0, "no number in the answer")
        ok = any(abs(found - one) <= _margin(one, options) for one in right)
        why = f"expected {' or '.join(map(_shown, right))}, got {_shown(found)}"
        if not ok and options.decimal == "." and _COMMA.search(reply.text):
            why += "; if its commas are decimal signs, say `decimal: ','`"
        return passed(ok, why)

    return judge


def _margin(right: Decimal, options: NumericOptions) -> Decimal:
    return max(Decimal(str(options.tolerance)), abs(right) * Decimal(str(options.relative)))


def _right(options: NumericOptions, reply: Reply) -> list[Decimal]:
    if options.value is not None:
        return [Decimal(str(options.value))]
    texts = wanted(None, reply)
    numbers = [extracted(text, "auto", options.decimal) for text in texts]
    if None in numbers:
        raise CheckError(f"the expected answer {texts[numbers.index(None)]!r} has no number")
    return [number for number in numbers if number is not None]


def _shown(value: Decimal) -> str:
    return f"{value:.12g}" if len(value.as_tuple().digits) > 12 else str(value)


KINDS = (
    Kind("numeric", "the right number, within a tolerance", NumericOptions, numeric, expects="expected"),
)
