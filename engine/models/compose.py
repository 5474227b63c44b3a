"""Variants put together and compared: checked before temper.toml is touched, told apart field by field."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

import msgspec

from engine.models.names import check_name
from engine.models.variants import Parts, describe
from store.errors import UsageError
from store.records.workspace import Variant
from store.workspace import Workspace


class Difference(msgspec.Struct, omit_defaults=True):
    """A part in which two variants differ, with the value of each; `lines` are a text's unified diff.

    `field` is a key of Parts, or `key.inner` inside a table of it; None: there is no such table or value.
    """

    field: str
    a: Any
    b: Any
    lines: list[str] = []


def add_variant(workspace: Workspace, name: str, variant: Variant, replace: bool = False) -> Parts:
    """Write `[variants.NAME]` to temper.toml, once every part of it is known to exist.

    Raises UsageError or MissingError for what is wrong with it, and leaves the file as it was.
    """
    check_name(name)
    known = workspace.config.variants
    before = known.get(name)
    if before is not None and not replace:
        raise UsageError(
            f"There is a variant {name!r}",
            f"temper.toml has [variants.{name}].",
            "Choose another name, or overwrite it with --replace.",
        )
    known[name] = variant
    try:
        if variant.knowledge:
            workspace.knowledge(variant.knowledge)
        parts = describe(workspace, name)
    except BaseException:
        _put_back(known, name, before)
        raise
    workspace.amend("variants", name, _given(msgspec.to_builtins(variant)))
    return parts


def _given(values: dict[str, Any]) -> dict[str, object]:
    """`values` without what was left out: TOML has no null."""
    return {
        key: _given(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }


def _put_back(known: dict[str, Variant], name: str, before: Variant | None) -> None:
    if before is None:
        del known[name]
    else:
        known[name] = before


def differences(a: Parts, b: Parts) -> list[Difference]:
    """The parts in which two variants differ, names aside: tables key by key, texts line by line."""
    one, other = _given_parts(a), _given_parts(b)
    return [
        Difference(field, left, right, _lines(left, right, a.name, b.name))
        for field, left, right in _differing(one, other)
    ]


def _given_parts(parts: Parts) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(parts, enc_hook=str)
    del found["name"]
    if parts.remote is not None:
        found["model"] = None  # it is not on this machine
    return found


def _differing(one: dict[str, Any], other: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """What differs, in the order of the parts; a schema is one text and not a table."""
    for field in dict.fromkeys([*one, *other]):
        left, right = one.get(field), other.get(field)
        if type(left) is type(right) and left == right:
            continue
        if field != "schema" and all(isinstance(value, dict | None) for value in (left, right)):
            inside = _differing(left or {}, right or {})
            yield from ((f"{field}.{inner}", *pair) for inner, *pair in inside)
        elif left not in (None, "") or right not in (None, ""):
            yield field, left, right


def _lines(one: Any, other: Any, a: str, b: str) -> list[str]:
    """The unified diff of two texts or schemas, empty where neither has a second line."""
    texts = [
        value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
        for value in ("" if value is None else value for value in (one, other))
    ]
    if not any("\n" in text for text in texts):
        return []
    before, after = (text.splitlines() for text in texts)
    return list(difflib.unified_diff(before, after, a, b, lineterm=""))
