"""Reading schemas in the words that llguidance has: which types, keys and values they leave.

Such a schema uses only the keywords of engine.inference.structured.lowering, and `$ref` only into its own
table of definitions. Answers are exact or "don't know": never a guess.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

Lowered = dict[str, Any] | bool
Definitions = Mapping[str, Lowered]

ALL_TYPES = frozenset(("null", "boolean", "object", "array", "integer", "fraction", "string"))
"""JSON's types, numbers parted into whole ones and others."""
NESTED = 32
"""How many references are followed before nothing more is known."""


def types_of(schema: Lowered, known: Definitions, depth: int = 0) -> frozenset[str]:
    """The types that instances can have (a superset where that is not known)."""
    if isinstance(schema, bool) or depth > NESTED:
        return ALL_TYPES if schema else frozenset()
    found = ALL_TYPES
    if "type" in schema:
        found &= named_types(schema["type"])
    values = own_values(schema)
    if values is not None:
        found &= frozenset(type_of(value) for value in values)
    if "$ref" in schema:
        found &= types_of(target(schema, known), known, depth + 1)
    for part in schema.get("allOf", ()):
        found &= types_of(part, known, depth + 1)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            found &= frozenset[str]().union(*(types_of(part, known, depth + 1) for part in schema[word]))
    return found


def named_types(words: str | list[str]) -> frozenset[str]:
    """The types that `type` names."""
    found: set[str] = set()
    for word in [words] if isinstance(words, str) else words:
        found |= {"integer", "fraction"} if word == "number" else {word}
    return frozenset(found)


def type_of(value: Any) -> str:
    """The type of a value. 1.0 is whole, as the drafts from 6 on have it."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    if isinstance(value, int | float):
        return "integer" if value == int(value) else "fraction"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def own_values(schema: dict[str, Any]) -> list[Any] | None:
    """The values that `enum` and `const` leave; None where there are neither."""
    if "const" in schema:
        return [schema["const"]]
    return schema.get("enum")


def target(schema: dict[str, Any], known: Definitions) -> Lowered:
    """What the `$ref` of a lowered schema means; everything, while that is still being lowered."""
    return known.get(schema["$ref"].rpartition("/")[2], True)


def conjuncts(schema: Lowered, known: Definitions, depth: int = 0) -> Iterator[dict[str, Any]]:
    """The schemas that must all hold: this one, those of `allOf`, those referred to."""
    if isinstance(schema, bool) or depth > NESTED:
        return
    yield schema
    if "$ref" in schema:
        yield from conjuncts(target(schema, known), known, depth + 1)
    for part in schema.get("allOf", ()):
        yield from conjuncts(part, known, depth + 1)


def required_of(schema: Lowered, known: Definitions) -> set[str]:
    """Keys that every object has."""
    return {key for part in conjuncts(schema, known) for key in part.get("required", ())}


def closed_keys(schema: Lowered, known: Definitions) -> set[str] | None:
    """All keys that objects can have; None where that is open."""
    found: set[str] | None = None
    for part in conjuncts(schema, known):
        if part.get("additionalProperties") is False and not part.get("patternProperties"):
            keys = {key for key, value in part.get("properties", {}).items() if value is not False}
            found = keys if found is None else found & keys
    return found


def property_of(schema: Lowered, key: str, known: Definitions) -> Lowered:
    """What the value of `key` must satisfy, as far as the listed properties say; False: no such key."""
    closed = closed_keys(schema, known)
    parts = [
        part["properties"][key] for part in conjuncts(schema, known) if key in part.get("properties", {})
    ]
    if (closed is not None and key not in closed) or False in parts:
        return False
    return {"allOf": parts} if parts else True


def values_of(schema: Lowered, known: Definitions) -> list[Any] | None:
    """A finite list that holds every instance; None where there is none at hand."""
    lists = [values for part in conjuncts(schema, known) if (values := own_values(part)) is not None]
    return min(lists, key=len) if lists else None


def same(value: Any) -> str:
    """A text that is equal for equal JSON values: 1 and 1.0 are, 1 and true are not."""
    if isinstance(value, float) and value == int(value):
        value = int(value)
    return json.dumps(value, sort_keys=True)


def has_finite(schema: Lowered, known: Definitions) -> bool:
    """Whether a value could end: false where every object must hold another of its kind, and so on for ever.

    The least fixed point over the definitions; what else may make a schema impossible is not looked at.
    """
    ends: dict[str, bool] = dict.fromkeys(known, False)
    while True:
        found = {name: ends[name] or _ends(part, ends) for name, part in known.items()}
        if found == ends:
            return _ends(schema, ends)
        ends = found


def _ends(schema: Lowered, known: Mapping[str, bool]) -> bool:
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema and not known.get(schema["$ref"].rpartition("/")[2], True):
        return False
    if not all(_ends(part, known) for part in schema.get("allOf", ())):
        return False
    for word in ("anyOf", "oneOf"):
        if word in schema and not any(_ends(part, known) for part in schema[word]):
            return False
    types = named_types(schema["type"]) if "type" in schema else ALL_TYPES
    return bool(types - {"object", "array"}) or any(_container_ends(schema, one, known) for one in types)


def _container_ends(schema: dict[str, Any], type_: str, known: Mapping[str, bool]) -> bool:
    if type_ == "object":
        properties = schema.get("properties", {})
        rest = schema.get("additionalProperties", True)
        return all(_ends(properties.get(key, rest), known) for key in schema.get("required", ()))
    first, least = schema.get("prefixItems", []), schema.get("minItems", 0)
    inside = [*first[:least], *([schema.get("items", True)] if least > len(first) else [])]
    return all(_ends(part, known) for part in inside)


def common_multiple(schema: Lowered, known: Definitions, seen: frozenset[str] = frozenset()) -> int:
    """What all `multipleOf` of one value come to, those of alternatives too.

    Of the zeros behind three count at most: more of them cost a grammar next to nothing.
    """
    if isinstance(schema, bool):
        return 1
    found = _remainders(schema["multipleOf"]) if "multipleOf" in schema else 1
    parts = [part for word in ("allOf", "anyOf", "oneOf") for part in schema.get(word, ())]
    if "$ref" in schema and schema["$ref"] not in seen:
        seen |= {schema["$ref"]}
        parts.append(target(schema, known))
    return math.lcm(found, *(common_multiple(part, known, seen) for part in parts))


def _remainders(step: float) -> int:
    _, digits, zeros = Decimal(repr(step)).normalize().as_tuple()
    return int("".join(map(str, digits)) + "0" * min(int(zeros), 3))


def disjoint(a: Lowered, b: Lowered, known: Definitions, depth: int = 0) -> bool:
    """Whether it is certain that no instance satisfies both."""
    shared = types_of(a, known) & types_of(b, known)
    if not shared:
        return True
    left, right = values_of(a, known), values_of(b, known)
    if left is not None and right is not None and not {*map(same, left)} & {*map(same, right)}:
        return True
    if shared != {"object"} or depth > NESTED:
        return False
    return any(
        disjoint(property_of(a, key, known), property_of(b, key, known), known, depth + 1)
        for key in sorted(required_of(a, known) | required_of(b, known))
    )


def all_of(parts: list[Lowered]) -> Lowered:
    """All of `parts` at once, in the shortest form."""
    if False in [part for part in parts if isinstance(part, bool)]:
        return False
    wanted = [part for part in parts if part is not True and part != {}]
    if len(wanted) < 2:
        return wanted[0] if wanted else True
    first = wanted[0]
    if isinstance(first, dict) and "allOf" not in first and "$ref" not in first and "anyOf" not in first:
        return {**first, "allOf": wanted[1:]}
    return {"allOf": wanted}


def any_of(parts: list[Lowered]) -> Lowered:
    """One of `parts`, in the shortest form."""
    if any(part is True or part == {} for part in parts):
        return True
    wanted = [part for part in parts if part is not False]
    if len(wanted) < 2:
        return wanted[0] if wanted else False
    return {"anyOf": wanted}


def type_words(types: frozenset[str]) -> list[str]:
    """What `type` says for these types; whole numbers alone are not asked for."""
    words = sorted(types - {"integer", "fraction"})
    return [*words, "number"] if "fraction" in types else words


def as_object(schema: Lowered) -> Lowered:
    """The objects among what satisfies `schema`."""
    if isinstance(schema, bool) or schema.get("type") == "object":
        return {"type": "object"} if schema is True else schema
    known = schema.get("$defs", {})
    if types_of(schema, known) == {"object"}:
        return schema
    if "type" not in schema and "$ref" not in schema:
        return {"type": "object", **schema}
    whole = {"type": "object", "allOf": [{key: one for key, one in schema.items() if key != "$defs"}]}
    return {**whole, "$defs": known} if known else whole
