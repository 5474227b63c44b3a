"""JSON values: when two are the same, how a path into one is written, and how one is shown."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import msgspec

MISSING = object()
_INDEX = re.compile(r"\[(\d+)\]")


def same_json(left: Any, right: Any, tolerance: float = 0.0, unordered: bool = False) -> bool:
    """Whether two parsed JSON values are equal; true is not 1, but 1 is 1.0, as in JSON Schema.

    Numbers may differ by `tolerance`; lists may hold their items in any order where they are `unordered`.
    """
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            same_json(left[key], right[key], tolerance, unordered) for key in left
        )
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and _same_lists(left, right, tolerance, unordered)
    if tolerance and isinstance(left, int | float) and isinstance(right, int | float):
        return abs(as_written(left) - as_written(right)) <= as_written(tolerance)
    return bool(left == right)


def as_written(number: float | Decimal) -> Decimal:
    """A number as it is written, in which 1.1 - 1 is 0.1 and not a little more."""
    return number if isinstance(number, Decimal) else Decimal(str(number))


def _same_lists(left: list[Any], right: list[Any], tolerance: float, unordered: bool) -> bool:
    if all(same_json(one, other, tolerance, unordered) for one, other in zip(left, right, strict=True)):
        return True
    rest = list(right) if unordered else []
    for one in left:
        at = next((at for at, other in enumerate(rest) if same_json(one, other, tolerance, unordered)), None)
        if at is None:
            return False
        del rest[at]
    return True


def at_path(value: Any, path: str) -> Any:
    """What stands at `a.b.0`, also written `a.b[0]`, in a parsed JSON value; MISSING where nothing does.

    A key that is called like the whole path goes before.
    """
    if isinstance(value, dict) and path in value:
        return value[path]
    for key in _INDEX.sub(r".\1", path).removeprefix(".").split("."):
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return MISSING
    return value


def folded(value: Any) -> Any:
    """A parsed JSON value whose texts have no case and no white space at their ends; keys stay."""
    if isinstance(value, dict):
        return {key: folded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [folded(one) for one in value]
    return value.strip().casefold() if isinstance(value, str) else value


def json_text(value: Any) -> str:
    """A value as JSON. An answer may escape half a character; then the escape is all that can be kept."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return json.dumps(value)
