"""What does not satisfy a schema, as a schema: exact, or refused.

`not`, `if` and branches of `oneOf` that overlap become alternatives that llguidance can follow. A schema is
the conjunction of its keywords, so its negation is the choice between their negations; what it is asked
together with (`within`) leaves many of these out. Schemas are lowered ones (see lowered.py beside this).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

from engine.inference.structured.lowered import (
    Definitions,
    Lowered,
    closed_keys,
    named_types,
    own_values,
    property_of,
    required_of,
    target,
    type_of,
    types_of,
)
from engine.inference.structured.patterns import RARE

MOST_LETTERS = 4_000
"""Letters of strings that are excluded one by one."""
DEEPEST = 24
"""Levels of a negated schema."""


class NotNegated(Exception):
    """A keyword whose negation cannot be said."""

    def __init__(self, keyword: str) -> None:
        self.keyword = keyword
        super().__init__(keyword)


def negate(schema: Lowered, within: Lowered, known: Definitions, depth: int = 0) -> list[Lowered]:
    """Alternatives that are together all that satisfies `within` and not `schema`; none: nothing does.

    They need not imply `within`. Raises NotNegated.
    """
    if isinstance(schema, bool):
        return [] if schema else [True]
    if depth > DEEPEST:
        raise NotNegated("$ref")
    found: list[Lowered] = []
    types = types_of(within, known)
    for keyword in schema:
        kind, say = _WAYS.get(keyword, (None, None))
        if kind is not None and not types & kind:
            continue  # the keyword says nothing of what can be here
        if say is None:
            raise NotNegated(keyword)
        found += say(_Asked(schema, within, known, types, depth))
    return found


class _Asked:
    """One keyword's question."""

    def __init__(
        self, schema: dict[str, Any], within: Lowered, known: Definitions, types: frozenset[str], depth: int
    ) -> None:
        self.schema, self.within, self.known = schema, within, known
        self.types, self.depth = types, depth

    def again(self, schema: Lowered, within: Lowered) -> list[Lowered]:
        """The negation of a part."""
        return negate(schema, within, self.known, self.depth + 1)


def of_types(types: frozenset[str]) -> list[Lowered]:
    """A schema of all values of these types. Raises NotNegated: fractions alone cannot be said."""
    if "fraction" in types and "integer" not in types:
        raise NotNegated("type")
    words = sorted(types - {"fraction", "integer"})
    if "integer" in types:
        words.append("number" if "fraction" in types else "integer")
    return [{"type": words}] if words else []


def _type(asked: _Asked) -> list[Lowered]:
    return of_types(asked.types - named_types(asked.schema["type"]))


def _values(asked: _Asked) -> list[Lowered]:
    values = own_values(asked.schema) or []
    met = frozenset(map(type_of, values))
    numbers = frozenset(("integer", "fraction"))
    touched = met | numbers if met & numbers else met
    found = of_types(asked.types - touched)
    if asked.types & met & {"array", "object"}:
        raise NotNegated("enum")
    if "string" in asked.types & met:
        found.append(other_strings([value for value in values if isinstance(value, str)]))
    if "boolean" in asked.types & met:
        left = [value for value in (False, True) if not any(value is one for one in values)]
        found += [{"enum": left}] if left else []
    if asked.types & numbers and met & numbers:
        found += other_numbers([value for value in values if type_of(value) in numbers], asked.types)
    return found


def other_numbers(values: list[float], types: frozenset[str]) -> list[Lowered]:
    """The numbers between, below and above `values`."""
    word = "number" if "fraction" in types else "integer"
    ends = sorted(set(values))
    if word == "integer":
        found: list[Lowered] = []
        low: int | None = None
        for value in [int(end) for end in ends if end == int(end)]:
            if low is None or low <= value - 1:
                found.append(_between(word, "minimum", low, "maximum", value - 1))
            low = value + 1
        return [*found, _between(word, "minimum", low, "maximum", None)]
    pairs = itertools.pairwise([None, *ends, None])
    return [_between(word, "exclusiveMinimum", low, "exclusiveMaximum", high) for low, high in pairs]


def _between(word: str, lower: str, low: float | None, upper: str, high: float | None) -> Lowered:
    bounds = {name: value for name, value in ((lower, low), (upper, high)) if value is not None}
    return {"type": word, **bounds}


def other_strings(values: list[str]) -> Lowered:
    """All strings but these. Raises NotNegated when they are too many."""
    if sum(map(len, values)) > MOST_LETTERS:
        raise NotNegated("enum")
    tree: dict[str, Any] = {}
    for value in values:
        node = tree
        for letter in value:
            node = node.setdefault(letter, {})
        node[""] = True
    return {"type": "string", "pattern": f"^{_others(tree)}$"}


def _others(tree: dict[str, Any]) -> str:
    letters = sorted(letter for letter in tree if letter)
    # without RARE, an escape would pass: see as_followed in patterns.py
    ways = [f"[^{RARE}{''.join(map(quoted, letters))}](?s:.*)"] if letters else ["(?s:.+)"]
    ways += [quoted(letter) + _others(tree[letter]) for letter in letters]
    return f"(?:{'|'.join(ways)}){'' if '' in tree else '?'}"


def quoted(letter: str) -> str:
    """A character as a pattern that matches only it."""
    return letter if letter.isalnum() and letter.isascii() else f"\\x{{{ord(letter):X}}}"


def _required(asked: _Asked) -> list[Lowered]:
    surely = required_of(asked.within, asked.known)
    keys = [key for key in asked.schema["required"] if key not in surely]
    return [{"type": "object", "properties": {key: False}} for key in dict.fromkeys(keys)]


def _properties(asked: _Asked) -> list[Lowered]:
    found: list[Lowered] = []
    for key, value in asked.schema["properties"].items():
        here = property_of(asked.within, key, asked.known)
        if here is False:
            continue
        ways = asked.again(value, here)
        if ways:
            other = ways[0] if len(ways) == 1 else {"anyOf": ways}
            found.append({"type": "object", "required": [key], "properties": {key: other}})
    return found


def _additional(asked: _Asked) -> list[Lowered]:
    """Only where all keys are known: then it is one of those that are not listed."""
    rule = asked.schema["additionalProperties"]
    if rule is True:
        return []
    closed = closed_keys(asked.within, asked.known)
    if closed is None or asked.schema.get("patternProperties"):
        raise NotNegated("additionalProperties")
    found: list[Lowered] = []
    for key in sorted(closed - set(asked.schema.get("properties", {}))):
        ways = asked.again(rule, property_of(asked.within, key, asked.known))
        if ways:
            other = ways[0] if len(ways) == 1 else {"anyOf": ways}
            found.append({"type": "object", "required": [key], "properties": {key: other}})
    return found


def _all(asked: _Asked) -> list[Lowered]:
    return [way for part in asked.schema["allOf"] for way in asked.again(part, asked.within)]


def _any(asked: _Asked) -> list[Lowered]:
    every = [asked.again(part, asked.within) for part in asked.schema["anyOf"]]
    if not all(every):
        return []
    parts: list[Lowered] = [ways[0] if len(ways) == 1 else {"anyOf": ways} for ways in every]
    return [parts[0] if len(parts) == 1 else {"allOf": parts}]


def _reference(asked: _Asked) -> list[Lowered]:
    name = asked.schema["$ref"].rpartition("/")[2]
    if name not in asked.known:
        raise NotNegated("$ref")  # it refers to itself
    return asked.again(target(asked.schema, asked.known), asked.within)


def _prefix(asked: _Asked) -> list[Lowered]:
    found: list[Lowered] = []
    for at, part in enumerate(asked.schema["prefixItems"]):
        ways = asked.again(part, True)
        if ways:
            items = [True] * at + [{"anyOf": ways}]
            found.append({"type": "array", "minItems": at + 1, "prefixItems": items})
    return found


def _bound(keyword: str, type_: str, other: str, step: int) -> Callable[[_Asked], list[Lowered]]:
    """The negation of a bound: the opposite one, `step` further."""

    def say(asked: _Asked) -> list[Lowered]:
        value = asked.schema[keyword] + step
        if type_ != "number" and value < 0:
            return []
        if not math.isfinite(value):
            raise NotNegated(keyword)
        word = "integer" if type_ == "number" and "fraction" not in asked.types else type_
        return [{"type": word, other: value}]

    return say


def _kind(*types: str) -> frozenset[str]:
    return frozenset(types)


_NUMBER, _STRING, _ARRAY, _OBJECT = (
    _kind("integer", "fraction"),
    _kind("string"),
    _kind("array"),
    _kind("object"),
)
_WAYS: dict[str, tuple[frozenset[str] | None, Callable[[_Asked], list[Lowered]] | None]] = {
    "type": (None, _type),
    "enum": (None, _values),
    "const": (None, _values),
    "allOf": (None, _all),
    "anyOf": (None, _any),
    "$ref": (None, _reference),
    "required": (_OBJECT, _required),
    "properties": (_OBJECT, _properties),
    "additionalProperties": (_OBJECT, _additional),
    "patternProperties": (_OBJECT, None),
    "minProperties": (_OBJECT, _bound("minProperties", "object", "maxProperties", -1)),
    "maxProperties": (_OBJECT, _bound("maxProperties", "object", "minProperties", 1)),
    "prefixItems": (_ARRAY, _prefix),
    "items": (_ARRAY, None),
    "minItems": (_ARRAY, _bound("minItems", "array", "maxItems", -1)),
    "maxItems": (_ARRAY, _bound("maxItems", "array", "minItems", 1)),
    "minLength": (_STRING, _bound("minLength", "string", "maxLength", -1)),
    "maxLength": (_STRING, _bound("maxLength", "string", "minLength", 1)),
    "pattern": (_STRING, None),
    "format": (_STRING, None),
    "minimum": (_NUMBER, _bound("minimum", "number", "exclusiveMaximum", 0)),
    "maximum": (_NUMBER, _bound("maximum", "number", "exclusiveMinimum", 0)),
    "exclusiveMinimum": (_NUMBER, _bound("exclusiveMinimum", "number", "maximum", 0)),
    "exclusiveMaximum": (_NUMBER, _bound("exclusiveMaximum", "number", "minimum", 0)),
    "multipleOf": (_NUMBER, None),
}
"""Of each keyword: the types that it speaks of (None: all), and its negation (None: cannot be said)."""
