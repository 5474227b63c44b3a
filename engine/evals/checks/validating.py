"""Values judged by a JSON Schema, in bounded time: drafts 4 to 2020-12, by `$schema`, else the newest.

Schemas may be written to run for ever (a $ref in a circle, references that double at every step, a pattern
that backtracks), so every keyword looks at the clock and patterns have a time limit of their own. Nothing is
fetched. Patterns are read as ECMA-262 has them, multiples in decimals as they are written.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache
from typing import Any

from engine.evals.checks.contract import CheckError
from engine.evals.checks.patterns import Pattern

SECONDS = 5.0
DIGITS = 700
"""Of a quotient: floats go up to 309, and down to 324 behind the point."""
KNOWN = ("http://json-schema.org/", "https://json-schema.org/")
_ECMA = re.compile(r"\\u\{([0-9A-Fa-f]{1,6})\}|\\(.)|\[\^?\]?|\]|\$", re.DOTALL)
_NESTED = re.compile(r"[+*}|][^()]*\)[+*{]")
_CLASSES = {"d": ("[0-9]", "0-9"), "w": ("[A-Za-z0-9_]", "A-Za-z0-9_")}
_OUTSIDE = {"D": "[^0-9]", "W": "[^A-Za-z0-9_]"}


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
    if why := next(_nowhere(schema, schema), "") or next(_endless(schema), ""):
        raise ValueError(why)
    clock = _Clock()
    extend: Any = jsonschema.validators.extend
    bounded = extend(kind, _bounded(kind.VALIDATORS, clock))
    asserted = formats and "format" in _keys(schema)

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
        return f"{worst.json_path}: {worst.message}" if worst else ""

    return validate


def _formats() -> Any:
    """The formats that structured answers are held to. Loading them loads the grammars too."""
    from engine.inference.structured.validation import FORMATS

    return FORMATS


@lru_cache(maxsize=1)
def _patterns_alone() -> Any:
    """Of a schema's own formats only its patterns are looked at, by the engine that will search with them."""
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())

    @checker.checks("regex")
    def _is_pattern(value: object) -> bool:
        try:
            return not isinstance(value, str) or bool(_searcher(value))
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

    if validator.is_type(instance, "string") and not _searcher(source).search(instance):
        yield ValidationError(f"{instance!r} does not match {source!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not validator.is_type(instance, "object"):
        return
    for source, inner in patterns.items():
        for key, value in instance.items():
            if _searcher(source).search(key):
                yield from validator.descend(value, inner, path=key, schema_path=source)


def _additional_properties(validator: Any, rule: Any, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if not validator.is_type(instance, "object"):
        return
    patterns = schema.get("patternProperties", {})
    for key in instance:
        if key in schema.get("properties", {}) or any(_searcher(one).search(key) for one in patterns):
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


@lru_cache(maxsize=512)
def _searcher(source: str) -> Pattern:
    """A schema's pattern. Raises ValueError where it is none."""
    return Pattern(from_ecma(source))


def from_ecma(source: str) -> str:
    """A pattern of ECMA-262 as `regex` reads it: $ is the very end; digits and letters of \\d and \\w are
    ASCII's.
    """
    inside = False

    def said(match: re.Match[str]) -> str:
        nonlocal inside
        code, escaped, text = match[1], match[2], match[0]
        if code:
            return rf"\x{{{code}}}"
        if escaped:
            if escaped in _CLASSES:
                return _CLASSES[escaped][inside]
            return text if inside else _OUTSIDE.get(escaped, text)
        if text.startswith("["):
            if inside:
                return rf"\{text}"
            inside = not text.endswith("]")
            return text
        if text == "]":
            inside = False
            return text
        return text if inside else r"\Z"

    return _ECMA.sub(said, source)


def _keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            yield key
            yield from _keys(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _keys(value)


def _endless(schema: Any) -> Iterator[str]:
    """Each pattern of properties that may backtrack without end where unevaluatedProperties looks at it too,
    which searches by an engine that cannot be stopped.
    """
    if "unevaluatedProperties" not in _keys(schema):
        return
    for source in (key for value in _values(schema, "patternProperties") for key in value):
        if _NESTED.search(source):
            yield f"the pattern {source!r} repeats what repeats, which unevaluatedProperties cannot stop"


def _values(schema: Any, name: str) -> Iterator[dict[str, Any]]:
    """What stands under `name`, wherever that is an object."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == name and isinstance(value, dict):
                yield value
            yield from _values(value, name)
    elif isinstance(schema, list):
        for value in schema:
            yield from _values(value, name)


def _nowhere(schema: Any, root: Any) -> Iterator[str]:
    """What is wrong with each $ref that leads to another document, or to a place that is not there."""
    if isinstance(schema, dict):
        target = schema.get("$ref")
        if isinstance(target, str) and not target.startswith((*KNOWN, "#")) and not _has_id(root):
            yield f"$ref {target!r} leads out of the file, which is not supported"
        elif isinstance(target, str) and target.startswith("#/") and not _is_there(root, target):
            yield f"$ref {target!r} leads to nothing in the file"
        for value in schema.values():
            yield from _nowhere(value, root)
    elif isinstance(schema, list):
        for value in schema:
            yield from _nowhere(value, root)


def _has_id(root: Any) -> bool:
    """Whether parts of a schema have names that a $ref may mean."""
    return any(key in ("$id", "id") for key in _keys(root))


def _is_there(root: Any, pointer: str) -> bool:
    """Whether a JSON Pointer (RFC 6901) leads somewhere; taken for granted where parts are named."""
    from urllib.parse import unquote

    if _has_id(root):
        return True
    place = root
    for part in unquote(pointer[2:]).split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(place, dict) and key in place:
            place = place[key]
        elif isinstance(place, list) and key.isdecimal() and int(key) < len(place):
            place = place[int(key)]
        else:
            return False
    return True
