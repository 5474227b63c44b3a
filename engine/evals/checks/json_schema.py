"""The check `json_schema`: the answer, and nothing around it, is JSON that a schema accepts.

Bounded: schemas may be written to run for ever (a $ref in a circle, references that double at every step, a
pattern that backtracks), so every keyword looks at the clock and patterns have a time limit of their own.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from engine.data.importers import strict_json
from engine.evals.checks.contract import Bench, CheckError, Judge, Kind, Reply, Verdict
from engine.evals.checks.patterns import Pattern

SECONDS = 5.0
PARTS, TRIES = 100, 1_000
"""So many pieces of JSON are looked at in an answer, and so many brackets tried as the beginning of one."""
_OPENS = re.compile(r"[\[{]")


class SchemaOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`schema` is a file beside the suite or the workspace, or the schema itself. `within`: other text may
    stand around the JSON, of which any that the schema accepts will do.
    """

    schema: str | dict[str, Any] = ""
    within: bool = False


def json_schema(options: SchemaOptions, bench: Bench) -> Judge:
    """The answer is JSON that the schema accepts."""
    if not options.schema:
        raise ValueError("json_schema needs `schema`, a file")
    validate = validator_of(load_schema(options.schema, bench))

    def judge(reply: Reply) -> Verdict:
        try:
            values = parts_of(reply.text) if options.within else [strict_json.decode(reply.text)]
        except ValueError as error:
            return Verdict(0.0, str(error))
        whys = [validate(value) for value in values]
        if not whys:
            return Verdict(0.0, "there is no JSON in it")
        return Verdict(1.0) if "" in whys else Verdict(0.0, whys[0])

    return judge


def parts_of(text: str) -> list[Any]:
    """The JSON objects and lists that stand in a text, in order; none within another. At most `PARTS`."""
    found: list[Any] = []
    decoder, at = strict_json.Decoder(), 0
    for _ in range(TRIES):
        begun = _OPENS.search(text, at)
        if begun is None or len(found) == PARTS:
            break
        try:
            value, at = decoder.raw_decode(text, begun.start())
        except (ValueError, RecursionError):
            at = begun.end()
        else:
            found += [] if decoder.problem else [value]
    return found


def load_schema(schema: str | dict[str, Any], bench: Bench) -> Any:
    """A schema, parsed. Raises ValueError with the file's name for one that cannot be used."""
    name = ""
    if isinstance(schema, str):
        name = f"{schema}: "
        try:
            schema = strict_json.decode(bench.find(schema).read_text(encoding="utf-8-sig"))
        except ValueError as error:
            text = str(error)
            raise ValueError(text if text.startswith(name) else name + text) from error
    if not isinstance(schema, dict | bool):
        raise ValueError(f"{name}is not a JSON Schema: neither an object nor true or false")
    if outside := next(_outside(schema), ""):
        raise ValueError(f"{name}$ref {outside!r} leads out of the file, which is not supported")
    try:
        validator_of(schema)
    except ValueError as error:
        raise ValueError(f"{name}{error}") from error
    return schema


def validator_of(schema: Any) -> Callable[[Any], str]:
    """A function that says why a value does not fit, or "". Raises ValueError where `schema` is none.

    The function raises CheckError when the schema cannot be applied.
    """
    import jsonschema
    from jsonschema.exceptions import best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ValueError(f"is not a JSON Schema: {error.message}, at {error.json_path}") from error
    except RecursionError as error:
        raise ValueError("is not a JSON Schema: nested too deeply") from error
    clock = _Clock()
    extend: Any = jsonschema.validators.extend
    bounded = extend(kind, _bounded(kind.VALIDATORS, clock))
    # An empty registry: a $ref to elsewhere must not be fetched.
    validator = bounded(schema, registry=Registry())

    def validate(value: Any) -> str:
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

    replaced = {"pattern": _pattern, "patternProperties": _pattern_properties}
    return {name: watched(replaced.get(name, keyword)) for name, keyword in keywords.items()}


def _pattern(validator: Any, source: str, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if validator.is_type(instance, "string") and not _compiled(source).search(instance):
        yield ValidationError(f"{instance!r} does not match {source!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not validator.is_type(instance, "object"):
        return
    for source, inner in patterns.items():
        pattern = _compiled(source)
        for key, value in instance.items():
            if pattern.search(key):
                yield from validator.descend(value, inner, path=key, schema_path=source)


def _compiled(source: str) -> Pattern:
    try:
        return Pattern(source)
    except ValueError as error:
        raise CheckError(f"the schema cannot be applied: {error}") from error


def _outside(schema: Any) -> Iterator[str]:
    """Every $ref that leads to another document."""
    if isinstance(schema, dict):
        target = schema.get("$ref")
        known = ("http://json-schema.org/", "https://json-schema.org/")
        if isinstance(target, str) and "://" in target and not target.startswith(known):
            yield target
        for value in schema.values():
            yield from _outside(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _outside(value)


KINDS = (Kind("json_schema", "JSON that a schema accepts", SchemaOptions, json_schema),)
