"""Numbers in answers: which one is meant, and whether it is the right one.

The strict reading of GSM8K is the one of its authors (Cobbe et al. 2021, grade-school-math/dataset.py): what
stands behind "####", without commas.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Literal

import msgspec

from engine.evals.checks.contract import Bench, CheckError, Judge, Kind, Reply, Verdict, passed, wanted

GSM8K = re.compile(r"#### (\-?[0-9\.\,]+)")
_NUMBER = re.compile(r"[-+\u2212]?\s?[$€£]?\s?(?:\d[\d,\u202f\u00a0]*(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?%?")
_BOXED = re.compile(r"\\boxed\{([^{}]*)\}")

Extract = Literal["auto", "gsm8k", "last", "first", "only"]


class NumericOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`tolerance` is absolute, `relative` a share of the right value; the larger margin holds.

    `extract`: gsm8k (what stands behind ####, else none), last or first number of the answer, only (the
    answer is a number and nothing else), auto (behind ####, in \\boxed{}, else the last number).
    """

    value: float | None = None
    tolerance: float = 0.0
    relative: float = 0.0
    extract: Extract = "auto"


def gsm8k_answer(text: str) -> str | None:
    """The final answer of a GSM8K solution as text without commas; None where there is none."""
    found = GSM8K.search(text)
    return found.group(1).strip().replace(",", "") if found else None


def numbers_in(text: str) -> list[Decimal]:
    """All numbers of a text in order: thousands separated by commas or narrow spaces, currency signs, percent
    signs left out.
    """
    found = []
    for match in _NUMBER.finditer(text):
        before = text[match.start() - 1 : match.start()]
        # In 10-5 and in a-5 the sign is no sign of the number.
        raw = match.group().lstrip("-+\u2212") if before.isalnum() else match.group()
        if (value := as_number(raw)) is not None:
            found.append(value)
    return found


def as_number(text: str) -> Decimal | None:
    """A number written as people write it; None where the text is something else."""
    plain = re.sub(r"[$€£%,\s\u202f\u00a0]", "", text).replace("\u2212", "-").rstrip(".")
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def extracted(text: str, how: Extract) -> Decimal | None:
    """The number that an answer gives; None where it gives none."""
    if how in ("auto", "gsm8k"):
        strict = gsm8k_answer(text)
        if strict is not None or how == "gsm8k":
            return as_number(strict) if strict is not None else None
        if boxed := _BOXED.findall(text):
            text = boxed[-1]
    if how == "only":
        return as_number(text.strip())
    numbers = numbers_in(text)
    if not numbers:
        return None
    return numbers[0] if how == "first" else numbers[-1]


def numeric(options: NumericOptions, bench: Bench) -> Judge:
    """The answer's number is the right one."""

    def judge(reply: Reply) -> Verdict:
        right = _right(options, reply)
        found = extracted(reply.text, options.extract)
        if found is None:
            return Verdict(0.0, "no number in the answer")
        margins = [
            max(Decimal(str(options.tolerance)), abs(one) * Decimal(str(options.relative))) for one in right
        ]
        ok = any(abs(found - one) <= margin for one, margin in zip(right, margins, strict=True))
        return passed(ok, f"expected {' or '.join(map(str, right))}, got {found}")

    return judge


def _right(options: NumericOptions, reply: Reply) -> list[Decimal]:
    if options.value is not None:
        return [Decimal(str(options.value))]
    texts = wanted(None, reply)
    numbers = [extracted(text, "auto") for text in texts]
    if None in numbers:
        raise CheckError(f"the expected answer {texts[numbers.index(None)]!r} has no number")
    return [number for number in numbers if number is not None]


KINDS = (
    Kind("numeric", "the right number, within a tolerance", NumericOptions, numeric, expects="expected"),
)
