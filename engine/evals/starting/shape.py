"""A JSON Schema that a number of answers have in common: keys, types, and the few values that come again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

MOST_VALUES = 50
TYPES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}


def schema_of(values: Sequence[Any]) -> dict[str, Any]:
    """A schema that accepts all of `values`, and little else. Required is what every object has."""
    kinds = {TYPES[type(value)] for value in values}
    if kinds == {"integer", "number"}:
        kinds = {"number"}
    schema: dict[str, Any] = {"type": kinds.pop() if len(kinds) == 1 else sorted(kinds)}
    objects = [value for value in values if isinstance(value, dict)]
    if objects:
        names = list(dict.fromkeys(name for one in objects for name in one))
        schema["properties"] = {
            name: schema_of([one[name] for one in objects if name in one]) for name in names
        }
        schema["required"] = [name for name in names if all(name in one for one in objects)]
        schema["additionalProperties"] = False
    items = [item for value in values if isinstance(value, list) for item in value]
    if items:
        schema["items"] = schema_of(items)
    if schema["type"] == "string" and is_closed(values):
        schema["enum"] = sorted(set(values))
    return schema


def is_closed(values: Sequence[str]) -> bool:
    """Whether texts look like a closed list: few different ones, each short, coming again and again."""
    counts = Counter(values)
    return (
        len(values) >= 4
        and len(counts) <= min(MOST_VALUES, len(values) // 2)
        and all(len(text) <= 60 and "\n" not in text for text in counts)
    )
