"""Whether a complete answer satisfies a schema: strict JSON, the draft's own rules, formats asserted.

A second judgement, by another program than the grammar's (jsonschema). Bounded: searches have a deadline,
references a budget; what cannot be judged counts as not valid. Knows nothing of grammars and models.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation, localcontext
from typing import Any

from jsonschema import FormatChecker
from jsonschema.exceptions import ValidationError, best_match

from engine.inference.structured import formats
from engine.inference.structured.dialect import Draft, Schema, draft_of
from engine.inference.structured.extended import Errors, Keyword, extended
from engine.inference.structured.metaschema import REFERENCES
from engine.inference.structured.patterns import TooSlow, has_format, searches

MOST_REFERENCES = 20_000
"""References followed for one answer; a schema can be made to follow them without end."""
MOST_DIGITS = 700
"""Digits of a quotient: floats go up to 309, and down to 324 behind the point."""


class Checker:
    """Judges texts by one schema (of `draft`, if known). Raises SchemaRefused for what is no schema."""

    def __init__(self, schema: Schema, draft: Draft | None = None) -> None:
        draft = draft or draft_of(schema)
        self._followed = 0
        own: dict[str, Keyword] = {
            word: self._counted(draft.VALIDATORS[word]) for word in REFERENCES if word in draft.VALIDATORS
        }
        own |= {"multipleOf": _multiple_of, "pattern": _pattern, "patternProperties": _pattern_properties}
        own["additionalProperties"] = _additional_properties
        self._validator = extended(draft, own)(schema, format_checker=FORMATS)

    def problem(self, text: str) -> str:
        """Why `text` is not a valid answer: not JSON, or where it breaks the schema; empty when it is one."""
        try:
            value = strict_json(text)
        except (ValueError, RecursionError) as error:
            return f"It is not JSON: {str(error) or 'nested too deeply'}."
        return self.problem_of(value)

    def problem_of(self, value: Any) -> str:
        """Why a value does not satisfy the schema; empty when it does."""
        self._followed = 0
        try:
            error = best_match(self._validator.iter_errors(value))
        except TooSlow as slow:
            return f"The pattern {str(slow)!r:.120} takes too long to be searched for."
        except RecursionError:
            return "The schema refers to itself too deeply for this answer."
        except _TooMany:
            return f"Checking it follows more than {MOST_REFERENCES:,} references."
        if error is None:
            return ""
        place = "".join(f"[{part!r}]" for part in error.absolute_path)
        return f"The answer{place} breaks {error.validator!r}: {error.message[:300]}."

    def _counted(self, original: Callable[..., Errors | None]) -> Keyword:
        def follow(validator: Any, value: Any, instance: Any, schema: Any) -> Errors:
            self._followed += 1
            if self._followed > MOST_REFERENCES:
                raise _TooMany
            yield from original(validator, value, instance, schema) or ()

        return follow


class _TooMany(Exception):
    pass


def strict_json(text: str) -> Any:
    """The value of `text` as JSON has it (RFC 8259): no NaN, no key twice. Raises ValueError."""
    return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


def _constant(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _multiple_of(validator: Any, step: float, instance: Any, schema: Any) -> Errors:
    """In decimals, as they are written: 19.99 is a multiple of 0.01, which floats cannot say."""
    if not validator.is_type(instance, "number"):
        return
    with localcontext(prec=MOST_DIGITS):
        try:
            rest = Decimal(repr(instance)) % Decimal(repr(step))
        except InvalidOperation:  # it has more digits than are kept
            rest = Decimal(1)
    if rest:
        yield ValidationError(f"{instance!r} is not a multiple of {step!r}")


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Errors:
    if validator.is_type(instance, "string") and not searches(pattern, instance):
        yield ValidationError(f"{instance!r:.200} does not match {pattern!r}")


def _pattern_properties(validator: Any, rules: dict[str, Any], instance: Any, schema: Any) -> Errors:
    if not validator.is_type(instance, "object"):
        return
    for pattern, rule in rules.items():
        for key, value in instance.items():
            if searches(pattern, key):
                yield from validator.descend(value, rule, path=key, schema_path=pattern)


def _additional_properties(validator: Any, rule: Any, instance: Any, schema: Any) -> Errors:
    if not validator.is_type(instance, "object"):
        return
    patterns = schema.get("patternProperties", {})
    for key in instance.keys() - schema.get("properties", {}).keys():
        if any(searches(pattern, key) for pattern in patterns):
            continue
        if rule is False:
            yield ValidationError(f"{key!r} is not among the properties")
        else:
            yield from validator.descend(instance[key], rule, path=key)


def _checker_of(name: str) -> Callable[[object], bool]:
    besides, pattern = formats.BESIDES.get(name), formats.PATTERNS.get(name)

    def check(value: object) -> bool:
        if not isinstance(value, str):
            return True
        if besides is not None and not besides(value):
            return False
        return searches(pattern, value) if pattern else has_format(value, name)

    return check


FORMATS = FormatChecker(formats=())
for _name in (*formats.KNOWN, *formats.PATTERNS):
    FORMATS.checks(_name)(_checker_of(_name))
