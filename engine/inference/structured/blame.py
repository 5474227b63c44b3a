"""Where in a schema the part is that llguidance refused: its own message names no place.

Looks at the parts of the schema from the innermost out; the first that is refused by itself is to blame.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from engine.inference.structured.dialect import Schema
from engine.inference.structured.grammar import CompiledGrammar, json_rule
from engine.inference.structured.lowering import LoweredSchema
from engine.inference.structured.refusal import NothingSatisfies, Place, SchemaRefused
from engine.inference.structured.vocabulary import byte_vocabulary
from store.errors import UsageError

SECONDS = 2.0
TABLES = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies")
LISTS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
SINGLE = ("items", "additionalProperties", "additionalItems", "not", "if", "then", "else", "propertyNames")


ANNOTATIONS = (
    "type",
    "title",
    "description",
    "$schema",
    "$id",
    "$defs",
    "definitions",
    "default",
    "examples",
)
HINTS = {
    "min/maxProperties": ("minProperties", "maxProperties"),
    "patternProperty": ("patternProperties",),
    "regex parse": ("pattern", "maxLength", "minLength"),
    "range": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}
"""What llguidance says, and the keywords that it means by that."""


def blamed(schema: Schema, reason: str) -> SchemaRefused:
    """The refusal of `schema`, which llguidance refused for `reason`."""
    place: Place = ()
    part = schema if isinstance(schema, dict) else {}
    deadline = time.monotonic() + SECONDS
    for candidate, inner in sorted(parts_of(schema), key=lambda pair: -len(pair[0])):
        if time.monotonic() > deadline or not candidate:
            break
        said = refused_alone(schema, candidate)
        if said:
            place, part, reason = candidate, inner, said
            break
    keyword = keyword_in(part, reason)
    return SchemaRefused(keyword, (*place, keyword) if keyword in part else place, f"{reason[:300]}.")


def keyword_in(part: dict[str, Any], reason: str) -> str:
    """The keyword of `part` that llguidance's words speak of."""
    hinted = [word for said, words in HINTS.items() if said in reason for word in words]
    named = [word for word in part if re.search(rf"\b{re.escape(word)}\b", reason)]
    plain = [word for word in part if word not in ANNOTATIONS]
    return next((word for word in [*hinted, *named, *plain] if word in part), "$schema")


def refused_alone(schema: Schema, place: Place) -> str:
    """Why the part at `place` is refused by itself; empty when it is not."""
    try:
        CompiledGrammar(json_rule(LoweredSchema(schema, place).schema), byte_vocabulary())
    except NothingSatisfies as error:
        return "" if place[0] in ("$defs", "definitions") else error.WHY
    except SchemaRefused:
        return ""  # a definition that nothing uses may be one that nothing could follow
    except UsageError as error:
        return error.happened.removesuffix(".")
    return ""


def parts_of(schema: Any, place: Place = ()) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Every schema inside `schema` with its place, itself included."""
    if not isinstance(schema, dict):
        return
    yield place, schema
    for word in TABLES:
        if isinstance(schema.get(word), dict):
            for key, inner in schema[word].items():
                yield from parts_of(inner, (*place, word, key))
    for word in LISTS:
        if isinstance(schema.get(word), list):
            for at, inner in enumerate(schema[word]):
                yield from parts_of(inner, (*place, word, at))
    for word in SINGLE:
        yield from parts_of(schema.get(word), (*place, word))
