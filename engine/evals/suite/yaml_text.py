"""YAML as plain values, read as people mean it, with the line of every part. Knows nothing of suites.

The rules are those of YAML 1.2's core schema (yaml.org/spec/1.2.2, 10.3), not the 1.1 that PyYAML follows by
itself: `no` and `on` are words and not false and true, 2026-01-31 is a text, 12:30 is no number, 010 is ten.
Where a text is meant, the scalar is kept as it was written: an id 007 stays 007.

Bounded: aliases may be written so that a page of text stands for billions of values, and brackets so that
they nest for ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

MOST_NODES = 2_000_000
"""Values in a file once every alias is written out."""
MOST_LEVELS = 100
MOST_DIGITS = 400

IsText = Callable[[list[str], Any], bool]
"""The keys that lead to a scalar, and the mapping that it stands in, to whether a text is meant there."""

TAG = "tag:yaml.org,2002:"
CORE = (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    ("merge", r"<<", ["<"]),
)


class Read:
    """A file's `value`, and the line on which each of its parts stands."""

    def __init__(self, value: Any, node: Any) -> None:
        self.value = value
        self._node = node

    def line(self, keys: list[str | int]) -> int:
        """The line (from 1) of the part that `keys` lead to, or of the last one on the way that is there."""
        node, line = self._node, 1
        for key in keys:
            found = _child(node, key)
            if found is None:
                break
            line, node = found
        return line


def read_yaml(text: str, is_text: IsText | None = None) -> Read:
    """The value of one YAML document. Raises ValueError with the line for a text that is none."""
    import yaml

    _look_at_depth(text)
    loader = _loader()(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Read(None, None)
        _count(node)
        _settle(node, is_text)
        return Read(loader.construct_document(node), node)
    except yaml.YAMLError as error:
        raise ValueError(_said(error, text)) from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    finally:
        loader.dispose()


def _look_at_depth(text: str) -> None:
    """Raise ValueError for brackets within brackets for ever: composing them would end the process."""
    import yaml

    depth = 0
    try:
        for event in yaml.parse(text, Loader=_loader()):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MOST_LEVELS:
                line = event.start_mark.line + 1 if event.start_mark else 0
                raise ValueError(f"line {line}: nested more than {MOST_LEVELS} deep")
    except yaml.YAMLError as error:
        raise ValueError(_said(error, text)) from error


def _count(root: Any) -> None:
    """Raise ValueError where aliases stand for more values than a file can mean, or for themselves."""
    sizes: dict[int, int] = {}
    open_: set[int] = set()

    def size(node: Any) -> int:
        mark = id(node)
        if mark in sizes:
            return sizes[mark]
        line = node.start_mark.line + 1
        if mark in open_:
            raise ValueError(f"line {line}: an alias leads back to itself")
        open_.add(mark)
        sizes[mark] = 1 + sum(size(one) for one in _parts(node))
        open_.discard(mark)
        if sizes[mark] > MOST_NODES:
            raise ValueError(f"line {line}: its aliases stand for more than {MOST_NODES:,} values")
        return sizes[mark]

    size(root)


def _parts(node: Any) -> list[Any]:
    if isinstance(node.value, str):
        return []
    return [one for entry in node.value for one in (entry if isinstance(entry, tuple) else (entry,))]


def _settle(node: Any, is_text: IsText | None) -> None:
    """Refuse keys that stand twice; make texts of the scalars that are meant as such."""
    import yaml

    seen: set[int] = set()

    def settle(node: Any, keys: list[str], holder: Any) -> None:
        if isinstance(node, yaml.ScalarNode):
            if is_text is not None and node.tag != f"{TAG}null" and is_text(keys, holder):
                node.tag = f"{TAG}str"
            return
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            for one in node.value:
                settle(one, [*keys, "[]"], holder)
            return
        _refuse_twice(node)
        plain = {key.value: value.value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != f"{TAG}merge":
                key.tag = f"{TAG}str"  # keys are names, as in JSON
            settle(value, [*keys, str(key.value)], plain)

    settle(node, [], {})


def _refuse_twice(node: Any) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if isinstance(key.value, str) and key.tag != f"{TAG}merge":
            line = key.start_mark.line + 1
            if key.value in lines:
                first = lines[key.value]
                raise ValueError(f"line {line}: the key {key.value!r} stands twice, first on line {first}")
            lines[key.value] = line


def _child(node: Any, key: str | int) -> tuple[int, Any] | None:
    """The line of a part of a node, and the part; None where it has none of that name."""
    value = getattr(node, "value", None)
    if not isinstance(value, list):
        return None
    if isinstance(key, int):
        if key >= len(value) or isinstance(value[key], tuple):
            return None
        return value[key].start_mark.line + 1, value[key]
    for entry in value:
        if isinstance(entry, tuple) and entry[0].value == key:
            return entry[0].start_mark.line + 1, entry[1]
    return None


def _said(error: Any, text: str) -> str:
    """What the parser says, its line first, and the usual cause where that can be seen."""
    mark = getattr(error, "problem_mark", None)
    what = str(getattr(error, "problem", "") or getattr(error, "reason", "") or error).strip()
    if what.startswith("but "):
        what = f"{getattr(error, 'context', '')}, {what}"
    if mark is None:
        at = getattr(error, "position", None)
        return what if at is None else f"line {text.count(chr(10), 0, at) + 1}: {what}"
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        what += "; YAML is indented with spaces, and this line begins with a tab"
    elif ": " in line.partition(":")[2]:
        what += "; a text with a colon in it must stand in quotes"
    return f"line {mark.line + 1}, column {mark.column + 1}: {what}"


@cache
def _loader() -> Any:
    """libyaml's parser where PyYAML was built with it (ten times faster), under the core schema."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):  # type: ignore[misc]  # one of two classes with the same methods
        yaml_implicit_resolvers: dict[str, Any] = {}

    for name, pattern, first in CORE:
        Loader.add_implicit_resolver(f"{TAG}{name}", re.compile(rf"^(?:{pattern})$"), first)
    Loader.add_constructor(f"{TAG}int", lambda loader, node: _whole(node.value))
    return Loader


def _whole(text: str) -> int:
    for prefix, base in (("0o", 8), ("0x", 16)):
        if text.startswith(prefix):
            return int(text[2:], base)
    if len(text) > MOST_DIGITS:
        raise ValueError(f"a number has {len(text):,} digits; put it into quotes")
    return int(text)
