"""Fields of a JSON answer against those of the expected one, each for itself."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from engine.data.importers import strict_json
from engine.evals.checks.contract import Bench, CheckError, Judge, Kind, Reply, Verdict, wanted
from engine.evals.checks.values import MISSING, at_path, folded, json_text, same_json


class FieldsOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`fields` are paths (`a`, `a.b`, `a.0`), without them the keys or items of what is expected, less
    `ignore`.

    `tolerance` is what numbers may differ by; with `ignore_case` texts are compared without case; lists that
    are `unordered` may hold their items in any order.
    """

    value: str | None = None
    fields: list[str] = []
    ignore: list[str] = []
    tolerance: float = 0.0
    ignore_case: bool = False
    unordered: bool = False


def json_fields(options: FieldsOptions, bench: Bench) -> Judge:
    """The share of fields equal to the expected ones; of several right answers the nearest counts."""
    if not 0 <= options.tolerance < math.inf:
        raise ValueError(f"json_fields: `tolerance` is {options.tolerance}; it must be 0 or more, and end")

    def judge(reply: Reply) -> Verdict:
        right = [_expected(text) for text in wanted(options.value, reply)]
        try:
            answer = strict_json.decode(reply.text)
        except ValueError as error:
            return Verdict(0.0, str(error))
        if not isinstance(answer, dict | list):
            return Verdict(0.0, "not a JSON object")
        return max((compare(answer, one, options) for one in right), key=lambda verdict: verdict.score)

    return judge


def compare(answer: Any, right: Any, options: FieldsOptions) -> Verdict:
    """The share of fields in which `answer` is `right`. Raises CheckError where there is none to compare."""
    if options.ignore_case:
        answer, right = folded(answer), folded(right)
    if options.unordered and isinstance(answer, list) and isinstance(right, list):
        answer = _aligned(answer, right, options)
    names = options.fields or _fields(answer, right)
    names = [name for name in names if name not in options.ignore]
    if all(at_path(right, name) is MISSING for name in names):
        what = f"none of the fields {', '.join(names)}" if names else "no fields to compare"
        raise CheckError(f"the expected answer has {what}")
    wrong = [name for name in names if not _same(at_path(answer, name), at_path(right, name), options)]
    detail = "; ".join(f"{name}: {_shown(at_path(answer, name))}" for name in wrong)
    return Verdict(1 - len(wrong) / len(names), f"differs in {detail}" if wrong else "")


def _fields(answer: Any, right: Any) -> list[str]:
    """The fields of the expected answer; items that a list has more than the other are wrong fields."""
    if isinstance(right, list):
        return [str(at) for at in range(max(len(right), len(answer) if isinstance(answer, list) else 0))]
    return list(right) if isinstance(right, dict) else []


def _aligned(answer: list[Any], right: list[Any], options: FieldsOptions) -> list[Any]:
    """The answer's items, each where the expected list has the same; the others in the places left."""
    rest = list(answer)
    placed: list[Any] = []
    for one in right:
        at = next((at for at, other in enumerate(rest) if _same(other, one, options)), None)
        placed.append(MISSING if at is None else rest.pop(at))
    rest.reverse()
    return [rest.pop() if one is MISSING and rest else one for one in placed] + rest[::-1]


def _expected(text: str) -> Any:
    try:
        return strict_json.decode(text)
    except ValueError as error:
        raise CheckError(f"the expected answer is {error}") from error


def _same(left: Any, right: Any, options: FieldsOptions) -> bool:
    if left is MISSING or right is MISSING:
        return left is right
    return same_json(left, right, options.tolerance, options.unordered)


def _shown(value: Any) -> str:
    return "missing" if value is MISSING else json_text(value)[:60]


KINDS = (
    Kind("json_fields", "fields of a JSON answer are equal", FieldsOptions, json_fields, expects="expected"),
)
