"""Checks: one answer against one expectation, as pass or fail with a reason.

    exact        equal to the expected text, white space at both ends apart; where the expected text is a JSON
                 object or list, an answer that is the same JSON value passes too
    contains     the value (or the expected text) occurs in the answer, letter by letter
    regex        the pattern is found somewhere in the answer; anchor it with ^ and $ for the whole
    json_schema  the answer, and nothing around it, is JSON that the schema accepts

Knows nothing of models and suites.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from engine.data.importers import strict_json
from store.errors import TemperError
from store.records.evals import Case, Check, CheckResult

REGEX_SECONDS = 1.0
REGEX_LETTERS = 100_000
DETAIL_LETTERS = 200

Outcome = str  # empty: passed; else why not
Judge = Callable[[str, Case], Outcome]


class CompiledCheck(msgspec.Struct, frozen=True):
    """A check ready to use. `name` tells checks of one kind apart: contains, contains-2."""

    name: str
    judge: Judge

    def result(self, answer: str, case: Case) -> CheckResult:
        """The check's verdict on an answer."""
        why = self.judge(answer, case)
        return CheckResult(self.name, passed=not why, score=0.0 if why else 1.0, detail=why[:DETAIL_LETTERS])


def compile_checks(checks: Sequence[Check], schemas: dict[str, Any]) -> list[CompiledCheck]:
    """Checks ready to use, named by kind. `schemas` holds the loaded schema of each file that is named.

    Raises ValueError with the reason for a check that cannot work (see `problem_of`).
    """
    compiled: list[CompiledCheck] = []
    for check in checks:
        count = 1 + sum(other.name.partition("-")[0] == check.kind for other in compiled)
        compiled.append(
            CompiledCheck(check.kind if count == 1 else f"{check.kind}-{count}", judge_of(check, schemas))
        )
    return compiled


def judge_of(check: Check, schemas: dict[str, Any]) -> Judge:
    """The function that applies a check. Raises ValueError with the reason when it cannot work."""
    match check.kind:
        case "exact":
            return _exact(check.value)
        case "contains":
            return _contains(check.value)
        case "regex":
            if not check.value:
                raise ValueError("regex needs `value`, the pattern")
            return _regex(check.value)
        case "json_schema":
            if not check.schema:
                raise ValueError("json_schema needs `schema`, a file")
            return _json_schema(schemas[check.schema])


def same_json(left: Any, right: Any) -> bool:
    """Whether two parsed JSON values are equal; true is not 1, but 1 is 1.0, as in JSON Schema."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same_json(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_json, left, right))
    return bool(left == right)


def _exact(value: str | None) -> Judge:
    def judge(answer: str, case: Case) -> Outcome:
        wanted = _wanted(value, case).strip()
        if answer.strip() == wanted or _equal_as_json(answer, wanted):
            return ""
        return f"expected {wanted!r}"

    return judge


def _contains(value: str | None) -> Judge:
    def judge(answer: str, case: Case) -> Outcome:
        wanted = _wanted(value, case).strip()
        return "" if wanted in answer else f"does not contain {wanted!r}"

    return judge


def _regex(pattern: str) -> Judge:
    import regex  # type: ignore[import-untyped]  # ships no types; Python's own re cannot be stopped

    try:
        compiled = regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{pattern!r} is not a pattern: {error}") from error

    def judge(answer: str, case: Case) -> Outcome:
        try:
            found = compiled.search(answer[:REGEX_LETTERS], timeout=REGEX_SECONDS)
        except TimeoutError as error:
            raise TemperError(
                "A pattern takes too long",
                f"{pattern!r} did not finish on case {case.id} within {REGEX_SECONDS:.0f} s.",
                "Write it without nested repetition, such as (a+)+.",
            ) from error
        return "" if found else f"no match of {pattern!r}"

    return judge


def _json_schema(schema: Any) -> Judge:
    import jsonschema
    from jsonschema.exceptions import best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ValueError(f"is not a JSON Schema: {error.message}, at {error.json_path}") from error
    # An empty registry: a $ref to elsewhere must not be fetched.
    validator = kind(schema, registry=Registry())

    def judge(answer: str, case: Case) -> Outcome:
        try:
            value = strict_json.decode(answer)
        except ValueError as error:
            return str(error)
        try:
            worst = best_match(validator.iter_errors(value))
        except (Unresolvable, RecursionError) as error:
            raise TemperError(
                "A schema cannot be applied",
                f"Case {case.id}: {type(error).__name__}: {error}",
                "Keep every $ref inside the file, and let none lead back to itself.",
            ) from error
        return f"{worst.json_path}: {worst.message}" if worst else ""

    return judge


def _wanted(value: str | None, case: Case) -> str:
    return value if value is not None else case.expected or ""


def _equal_as_json(answer: str, wanted: str) -> bool:
    if not wanted.startswith(("{", "[")):
        return False
    try:
        return same_json(strict_json.decode(answer), strict_json.decode(wanted))
    except ValueError:
        return False
