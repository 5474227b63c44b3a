"""What a JSON Schema refers to, and which of its patterns could search without end; before it is applied."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

KNOWN = ("http://json-schema.org/", "https://json-schema.org/")
_NESTED = re.compile(r"[+*}|][^()]*\)[+*{]")


def refused(schema: Any) -> str:
    """Why a schema is not applied; "" where it is."""
    return next(_nowhere(schema, schema), "") or next(_endless(schema), "")


def keys_of(schema: Any) -> Iterator[str]:
    """Every key of every object in a schema."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            yield key
            yield from keys_of(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from keys_of(value)


def _endless(schema: Any) -> Iterator[str]:
    """Each pattern of properties that may backtrack without end where unevaluatedProperties looks at it too,
    which searches by an engine that cannot be stopped.
    """
    if "unevaluatedProperties" not in keys_of(schema):
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
    return any(key in ("$id", "id") for key in keys_of(root))


def _is_there(root: Any, pointer: str) -> bool:
    """Whether a JSON Pointer (RFC 6901) leads somewhere; taken for granted where parts are named."""
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
