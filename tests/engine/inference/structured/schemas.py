"""Schemas drawn by a seed, with instances that satisfy them and others that nearly do.

Of the kind that people write for answers and tools: records with enums, bounds, patterns, formats, lists,
unions, references, conditions, in draft 7 and 2020-12. Which instances are valid is not known here.
"""

from __future__ import annotations

import copy
import json
import random
import string
from typing import Any

Schema = Any
DRAFTS = ("http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema")
WORDS = (
    "name",
    "intent",
    "amount",
    "unit",
    "due",
    "tags",
    "owner",
    "note",
    "ключ",
    "naïve",
    "a b",
    "x/y",
    "$id2",
)
TEXTS = (
    "",
    "a",
    "Zürich",
    "漢字",
    "😀",
    'say "no"',
    "back\\slash",
    "tab\there",
    "line\nbreak",
    "null",
    "{}",
    "-1",
)
PATTERNS = (
    ("^[A-Z]{2}-[0-9]{3}$", ("AB-123", "XY-000", "ab-123", "AB-1234", "xAB-123")),
    ("^(yes|no)$", ("yes", "no", "yesno", "maybe")),
    ("[0-9]+", ("a1b", "7", "none", "")),
    ("^\\d{4}$", ("2026", "123", "20261")),
    ("^[^@ ]+@[^@ ]+$", ("a@b", "a@b@c", "a b@c")),
    ("^\\S{1,5}$", ("abc", "a b", "abcdef")),
    ("^a.c$", ("abc", "a\nc", "ac")),
)
FORMATS = (
    ("date", ("2026-11-28", "2024-02-29", "2026-02-30", "26-1-1", "2026-13-01")),
    ("ipv4", ("127.0.0.1", "256.1.1.1", "1.2.3")),
    ("uuid", ("123e4567-e89b-12d3-a456-426614174000", "123e4567", "g23e4567-e89b-12d3-a456-426614174000")),
    ("ipv6", ("::1", "2001:db8::1", "12345::")),
)
NUMBERS = (
    0,
    1,
    -1,
    2,
    3,
    5,
    7,
    10,
    99,
    100,
    101,
    0.5,
    -0.25,
    1.5,
    2.75,
    1e3,
    10**18,
    10**30,
    -(10**21),
    1e-7,
)


class Draw:
    """Draws schemas and instances. One seed gives one schema."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.draft = DRAFTS[seed % 2]
        self.definitions: dict[str, Schema] = {}

    def schema(self) -> Schema:
        """A whole schema."""
        root = self._object(0) if self.random.random() < 0.8 else self._any(0)
        found = {"$schema": self.draft, **root} if isinstance(root, dict) else root
        if self.definitions:
            found["definitions" if self.draft == DRAFTS[0] else "$defs"] = self.definitions
        return found

    def _any(self, depth: int) -> Schema:
        leaves = [self._string, self._number, self._enum, self._plain]
        nested = [self._object, self._object, self._array, self._tuple, self._union, self._map, self._both]
        nested += [self._reference, self._tagged, self._condition, self._without]
        ways = leaves if depth > 2 or self.random.random() < 0.45 else nested
        return self.random.choice(ways)(depth)

    def _plain(self, depth: int) -> Schema:
        return self.random.choice(
            ({"type": "boolean"}, {"type": "null"}, {"type": ["string", "null"]}, True, {})
        )

    def _string(self, depth: int) -> Schema:
        way = self.random.randrange(5)
        if way == 0:
            return {"type": "string", "pattern": self.random.choice(PATTERNS)[0]}
        if way == 1:
            return {"type": "string", "format": self.random.choice(FORMATS)[0]}
        if way == 2:
            least = self.random.randrange(4)
            return {"type": "string", "minLength": least, "maxLength": least + self.random.randrange(8)}
        return {"type": "string"} | ({"minLength": 1} if way == 3 else {})

    def _number(self, depth: int) -> Schema:
        found: dict[str, Any] = {"type": self.random.choice(("integer", "number", "integer"))}
        if self.random.random() < 0.7:
            low = self.random.choice((-10, 0, 1, 2.5, 100))
            found[self.random.choice(("minimum", "exclusiveMinimum"))] = low
            if self.random.random() < 0.6:
                found[self.random.choice(("maximum", "exclusiveMaximum"))] = low + self.random.choice(
                    (3, 9, 1000)
                )
        elif self.random.random() < 0.4:
            found["multipleOf"] = self.random.choice((2, 5, 10))
        return found

    def _enum(self, depth: int) -> Schema:
        values = [*TEXTS, 1, 2.5, None, True, False, 10**20]
        if self.random.random() < 0.25:
            return {"const": self.random.choice(values)}
        chosen = self.random.sample(values, self.random.randrange(1, 6))
        return {"enum": chosen} | ({"type": "string"} if all(isinstance(one, str) for one in chosen) else {})

    def _object(self, depth: int) -> Schema:
        keys = self.random.sample(WORDS, self.random.randrange(1, 5))
        found: dict[str, Any] = {"type": "object", "properties": {key: self._any(depth + 1) for key in keys}}
        required = [key for key in keys if self.random.random() < 0.6]
        if required:
            found["required"] = required
        if self.random.random() < 0.6:
            found["additionalProperties"] = self.random.choice((False, False, {"type": "integer"}))
        if self.random.random() < 0.12 and len(keys) > 1:
            dependent = {keys[0]: [keys[1]]}
            found["dependencies" if self.draft == DRAFTS[0] else "dependentRequired"] = dependent
        if self.random.random() < 0.1:
            found[self.random.choice(("minProperties", "maxProperties"))] = self.random.randrange(1, 4)
        return found

    def _map(self, depth: int) -> Schema:
        if self.random.random() < 0.5:
            return {"type": "object", "additionalProperties": self._any(depth + 2)}
        pattern = self.random.choice(("^x_", "^[a-z]+$", "[0-9]$"))
        return {
            "type": "object",
            "patternProperties": {pattern: self._any(depth + 2)},
            "additionalProperties": False,
        }

    def _array(self, depth: int) -> Schema:
        found: dict[str, Any] = {"type": "array", "items": self._any(depth + 1)}
        if self.random.random() < 0.6:
            found["minItems"] = self.random.randrange(3)
            found["maxItems"] = found["minItems"] + self.random.randrange(4)
        return found

    def _tuple(self, depth: int) -> Schema:
        items, rest = (
            [self._any(depth + 1) for _ in range(2)],
            self.random.choice((False, {"type": "string"})),
        )
        if self.draft == DRAFTS[0]:
            return {
                "type": "array",
                "items": items,
                "additionalItems": rest,
                "minItems": self.random.randrange(3),
            }
        return {"type": "array", "prefixItems": items, "items": rest, "minItems": self.random.randrange(3)}

    def _union(self, depth: int) -> Schema:
        ways = [self._any(depth + 1) for _ in range(self.random.randrange(2, 4))]
        return {self.random.choice(("anyOf", "anyOf", "oneOf")): ways}

    def _both(self, depth: int) -> Schema:
        return {
            "allOf": [self._object(depth + 1), {"type": "object", "required": [self.random.choice(WORDS)]}]
        }

    def _tagged(self, depth: int) -> Schema:
        branches = []
        for name in self.random.sample(("card", "cash", "transfer"), 2):
            inner = self._object(depth + 1)
            inner["properties"] = {"kind": {"const": name}, **inner["properties"]}
            inner["required"] = ["kind", *inner.get("required", [])]
            branches.append(inner)
        return {"oneOf": branches}

    def _condition(self, depth: int) -> Schema:
        kind = {"properties": {"kind": {"const": "card"}}, "required": ["kind"]}
        whole = {
            "type": "object",
            "properties": {"kind": {"enum": ["card", "cash"]}, "n": self._number(depth)},
        }
        return {**whole, "required": ["kind"], "if": kind, "then": {"required": ["n"]}}

    def _without(self, depth: int) -> Schema:
        return {"type": "string", "not": {"enum": self.random.sample(TEXTS, 2)}}

    def _reference(self, depth: int) -> Schema:
        table = "definitions" if self.draft == DRAFTS[0] else "$defs"
        name = f"part{len(self.definitions)}"
        self.definitions[name] = {}
        inner = self._object(depth + 2)
        if self.random.random() < 0.5:
            inner["properties"]["next"] = {"anyOf": [{"$ref": f"#/{table}/{name}"}, {"type": "null"}]}
        self.definitions[name] = inner
        return {"$ref": f"#/{table}/{name}"}

    def instance(self, schema: Schema, root: Schema, depth: int = 0) -> Any:
        """A value that was meant to satisfy `schema`; it need not."""
        if not isinstance(schema, dict) or depth > 6:
            return self._free(depth)
        if "$ref" in schema:
            table, name = schema["$ref"].split("/")[1:]
            return self.instance(root[table][name], root, depth + 1)
        if "const" in schema or "enum" in schema:
            return copy.deepcopy(
                schema.get("const", None) if "const" in schema else self.random.choice(schema["enum"])
            )
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self.instance(self.random.choice(schema[word]), root, depth)
        if "allOf" in schema:
            first, second = schema["allOf"]
            return self._of_both(first, second, root, depth)
        return self._of_type(schema, root, depth)

    def _of_both(self, first: Schema, second: Schema, root: Schema, depth: int) -> Any:
        """Of the first, with the keys that the second wants: behind the listed ones, before any others."""
        found = self.instance(first, root, depth)
        if not isinstance(found, dict):
            return found
        extra = {"extra": found.pop("extra")} if "extra" in found else {}
        for key in second["required"]:
            if key not in found:
                inner = first["properties"].get(key, first.get("additionalProperties", True))
                found[key] = self.instance(inner, root, depth + 1)
        listed = {key: found[key] for key in first["properties"] if key in found}
        return {**listed, **found, **extra}

    def _of_type(self, schema: dict[str, Any], root: Schema, depth: int) -> Any:
        kind = schema.get("type")
        kind = self.random.choice(kind) if isinstance(kind, list) else kind
        if kind == "object":
            return self._an_object(schema, root, depth)
        if kind == "array":
            first = schema.get("prefixItems") or (
                schema["items"] if isinstance(schema["items"], list) else []
            )
            rest = schema.get("additionalItems", schema["items"])
            least = schema.get("minItems", 0)
            size = self.random.randrange(least, max(schema.get("maxItems", least + 2), least) + 1)
            size = max(size, len(first)) if self.random.random() < 0.5 else size
            return [
                self.instance(first[at] if at < len(first) else rest, root, depth + 1) for at in range(size)
            ]
        if kind == "string":
            return self._a_string(schema)
        if kind in ("integer", "number"):
            return self._a_number(schema)
        return {"boolean": self.random.random() < 0.5, "null": None}.get(str(kind), self._free(depth))

    def _an_object(self, schema: dict[str, Any], root: Schema, depth: int) -> dict[str, Any]:
        found = {
            key: self.instance(value, root, depth + 1)
            for key, value in schema.get("properties", {}).items()
            if key in schema.get("required", ()) or self.random.random() < 0.5
        }
        for pattern, value in schema.get("patternProperties", {}).items():
            key = {"^x_": "x_1", "^[a-z]+$": "abc", "[0-9]$": "n2"}[pattern]
            found[key] = self.instance(value, root, depth + 1)
        rest = schema.get("additionalProperties", True)
        if rest is not False and self.random.random() < 0.5:
            found["extra"] = self.instance(rest, root, depth + 1)
        return found

    def _a_string(self, schema: dict[str, Any]) -> str:
        for word, table in (("pattern", PATTERNS), ("format", FORMATS)):
            if word in schema:
                return self.random.choice(dict(table)[schema[word]])
        text = self.random.choice(TEXTS)
        least, most = schema.get("minLength", 0), schema.get("maxLength", 1_000)
        return (text + "".join(self.random.choice(string.ascii_letters + "é漢😀") for _ in range(least)))[
            :most
        ]

    def _a_number(self, schema: dict[str, Any]) -> Any:
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        if low is not None and self.random.random() < 0.8:
            value = low + self.random.choice((0, 1, 2, 0.5, 3, 9))
        else:
            value = self.random.choice(NUMBERS)
        if schema["type"] == "integer" and self.random.random() < 0.9:
            value = int(value)
        return value * 10 if "multipleOf" in schema and self.random.random() < 0.7 else value

    def _free(self, depth: int) -> Any:
        ways: list[Any] = [*TEXTS, *NUMBERS, None, True]
        return self.random.choice(ways) if depth or self.random.random() < 0.8 else {"any": [1, "x"]}

    def broken(self, value: Any) -> Any:
        """`value` with one thing changed somewhere: it may still satisfy what it did."""
        if isinstance(value, dict) and value and self.random.random() < 0.8:
            found, key = dict(value), self.random.choice(list(value))
            way = self.random.randrange(4)
            if way == 0:
                del found[key]
            elif way == 1:
                found[self.random.choice((*WORDS, "other", "x_2", "abc"))] = self._free(1)
            else:
                found[key] = self.broken(found[key])
            return found
        if isinstance(value, list) and value and self.random.random() < 0.8:
            at = self.random.randrange(len(value))
            ways = (
                value[:at] + value[at + 1 :],
                [*value, self._free(1)],
                [*value[:at], self.broken(value[at]), *value[at + 1 :]],
            )
            return self.random.choice(ways)
        if isinstance(value, int | float) and not isinstance(value, bool) and self.random.random() < 0.6:
            return value + self.random.choice((-1, 1, 0.5, -1000, 1000))
        if isinstance(value, str) and self.random.random() < 0.6:
            return self.random.choice((value + "x", value[1:], value + "1", value * 3, "漢" + value))
        return self._free(0)


def spelled(value: Any, how: int) -> str:
    """`value` as JSON: compact, spaced, indented, with escapes, or with its solidus escaped."""
    if how == 0:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if how == 1:
        return json.dumps(value, ensure_ascii=False)
    if how == 2:
        return json.dumps(value, indent=2, ensure_ascii=False)
    if how == 3:
        return json.dumps(value)
    return json.dumps(value, ensure_ascii=False, indent="\t").replace("\n", "\r\n")
