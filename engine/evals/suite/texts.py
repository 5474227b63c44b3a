"""Which values of a suite are texts, however they are written: an id 7, a label `true`, an answer 4.50.

People write `expected: 42` and mean the answer "42"; nobody should have to put that in quotes. An expected
object is its JSON. A list is left as it is: it may be one answer in JSON, or several right ones.
"""

from __future__ import annotations

from typing import Any

import msgspec

TEXTS = frozenset({"id", "input", "expected", "group", "content", "name"})
LISTS = frozenset(
    {"alternatives", "tags", "turns", "expected_sources", "values", "choices", "only", "without"}
)
"""Keys whose value is a text, and those whose values are a list of texts."""
AS_WRITTEN = frozenset({"metadata", "tools", "arguments", "accepts", "schema", "expected", "setup"})
"""Keys behind which values mean themselves."""


def is_text(keys: list[str], holder: Any) -> bool:
    """Whether a scalar at the end of `keys` is a text. `holder` is the mapping it stands in, as written."""
    *before, last = keys or [""]
    if AS_WRITTEN & set(before):
        return False
    if last == "[]":
        return bool(before) and before[-1] in LISTS
    if last == "value":
        return isinstance(holder, dict) and holder.get("kind") != "numeric"
    return last in TEXTS or "slices" in before


def is_writable(value: Any) -> bool:
    """Whether a value can be written as UTF-8: JSON may escape half of a surrogate pair, which is no text."""
    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError:
        return False
    return True


def settled(value: Any, keys: list[str] | None = None, holder: Any = None) -> Any:
    """A case or a suite as JSON or YAML gave it, with texts where texts are meant."""
    keys = keys or []
    if isinstance(value, list):
        return [settled(one, [*keys, "[]"], holder) for one in value]
    if isinstance(value, dict):
        if keys and keys[-1] == "expected":
            return msgspec.json.encode(value).decode()
        return {key: settled(one, [*keys, str(key)], value) for key, one in value.items()}
    if value is None or isinstance(value, str) or not is_text(keys, holder):
        return value
    return msgspec.json.encode(value).decode()
