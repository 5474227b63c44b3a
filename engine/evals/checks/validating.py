"""Values judged by a JSON Schema, in bounded time: drafts 4 to 2020-12, by `$schema`, else the newest.

Schemas may be written to run for ever (a $ref in a circle, references that double at every step, a pattern
that backtracks), so every keyword looks at the clock and patterns have a time limit of their own. Nothing is
fetched. Patterns are read as ECMA-262 has them, multiples in decimals as they are written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache
from typing import Any

from engine.evals.checks.contract import CheckError
from engine.evals.checks.ecma import searcher
from engine.evals.checks.schema_references import keys_of, refused

SECONDS = 5.0
DIGITS = 700
"""Of a quotient: floats go up to 309, and down to 324 behind the point."""


def validator_of(schema: Any, formats: bool = True) -> Callable[[Any], str]:
    """A function that says why a value does not fit, or "". Raises ValueError where `schema` is none.

    The function raises CheckError when the schema cannot be applied.
    """
    import jsonschema
    from jsonschema.exceptions import best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    kind: Any = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema, format_checker=_patterns_alone())
    except jsonschema.SchemaError as error:
        raise ValueError(f"is not a JSON Schema: {error.message}, at {error.json_path}") from error
    except RecursionError as error:
        raise ValueError("is not a JSON Schema: nested too deeply") from error
    if why := refused(schema):
        raise ValueError(why)
    clock = _Clock()
    extend: Any = jsonschema.validators.extend
    bounded = extend(kind, _bounded(kind.VALIDATORS, clock))
    asserted = formats and "format" in keys_of(schema)

    def validate(value: Any) -> str:
        # An empty registry: a $ref to elsewhere must not be fetched.
        validator = bounded(schema, registry=Registry(), format_checker=_formats() if asserted else None)
        clock.start()
        try:
            worst = best_match(validator.iter_errors(value))
        except (Unresolvable, RecursionError) as error:
            raise CheckError(
                f"the schema cannot be applied ({type(error).__name__}: {error}); keep every $ref inside the "
                "file, and let none lead back to itself"
            ) from error
        except _too_slow(asserted) as error:
            raise CheckError(f"a format of the schema was not told in time: {error}") from error
        return f"{worst.json_path}: {worst.message}" if worst else ""

    return validate


def _formats() -> Any:
    """The formats that structured answers are held to. Loading them loads the grammars too."""
    from engine.inference.structured.validation import FORMATS

    return FORMATS


def _too_slow(asserted: bool) -> tuple[type[Exception], ...]:
    """What a format raises whose search does not end."""
    if not asserted:
        return ()
    from engine.inference.structured.patterns import TooSlow

    return (TooSlow,)


@lru_cache(maxsize=1)
def _patterns_alone() -> Any:
    """Of a schema's own formats only its patterns are looked at, by the engine that will search with them."""
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())

    @checker.checks("regex")
    def _is_pattern(value: object) -> bool:
        try:
            return not isinstance(value, str) or bool(searcher(value))
        except ValueError:
            return False

    return checker


class _Clock:
    def start(self) -> None:
        self._deadline = time.monotonic() + SECONDS

    def look(self) -> None:
        if time.monotonic() > self._deadline:
            raise CheckError(f"the schema was not applied within {SECONDS:g} s: it branches too often")


def _bounded(keywords: Any, clock: _Clock) -> dict[str, Any]:
    """Every keyword of a dialect, made to look at the clock; those with patterns use bounded ones."""

    def watched(keyword: Any) -> Any:
        def apply(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
            clock.look()
            yield from keyword(validator, value, instance, schema) or ()

        return apply

    replaced = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "multipleOf": _multiple_of,
    }
    return {name: watched(replaced.get(name, keyword)) for name, keyword in keywords.items()}


def _pattern(validator: Any, source: str, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if validator.is_type(instance, "string") and not searcher(source).search(instance):
        yield ValidationError(f"{instance!r} does not match {source!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not validator.is_type(instance, "object"):
        return
    for source, inner in patterns.items():
        for key, value in instance.items():
            if searcher(source).search(key):
                yield from validator.descend(value, inner, path=key, schema_path=source)


def _additional_properties(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if not validator.is_type(instance, "object"):
        return
    patterns = schema.get("patternProperties", {})
    for key in instance:
        if key in schema.get("properties", {}) or any(searcher(one).search(key) for one in patterns):
            continue
        if rule is False:
            yield ValidationError(f"Additional properties are not allowed ({key!r} was unexpected)")
        else:
            yield from validator.descend(instance[key], rule, path=key)


def _multiple_of(validator: Any, step: float, instance: Any, schema: Any) -> Iterator[Any]:
    """In decimals, as they are written: 19.99 is a multiple of 0.01, which floats cannot say."""
    from jsonschema import ValidationError

    if not validator.is_type(instance, "number"):
        return
    with localcontext(prec=DIGITS):
        try:
            rest = Decimal(repr(instance)) % Decimal(repr(step))
        except InvalidOperation:  # infinite, or with more digits than are kept
            rest = Decimal(1)
    if rest:
        yield ValidationError(f"{instance!r} is not a multiple of {step!r}")
