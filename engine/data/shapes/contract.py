"""What a shape is: it tells from a record's keys whether it is one, and makes examples or a reason of it.

Helpers that every family needs stand here too. Knows no family (the modules beside it) and no file format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from engine.data.importers import strict_json
from engine.data.problems import RowProblem
from store.records.data import DatasetKind, Example, ImportOptions, Message

SHOWN = 60
"""Letters of a value in a reason."""
Fields = dict[str, Any]
"""A record: its keys or columns and their values."""
Rows = Iterator[Example | RowProblem]


class Shape(NamedTuple):
    """A way to write examples. `rows` gives the rows that a record holds, without id and line.

    `fits` says whether a record is of this shape; `needs` names what it must have, for people. A grouped
    shape takes a conversation whose messages were records of their own (engine.data.conversations).
    `without` are the shapes that a record of the same source is not taken for.
    """

    name: str
    kind: DatasetKind
    needs: str
    fits: Callable[[Fields], bool]
    rows: Callable[[Fields, ImportOptions], Rows]
    grouped: bool = False
    without: frozenset[str] = frozenset()


def words(text: str) -> list[str]:
    """The words of a text: a table of names that can be read."""
    return text.split()


def draft(messages: Sequence[Message], **parts: Any) -> Example:
    """An example that has no id and no line yet."""
    return Example("", 0, list(messages), **parts)


def has(*keys: str) -> Callable[[Fields], bool]:
    """A test for records that have all of `keys`."""
    return lambda record: all(key in record for key in keys)


def first_key(record: Fields, names: Sequence[str]) -> str:
    """The first of `names` that the record has with a value that is not null; empty where it has none."""
    return next((name for name in names if record.get(name) is not None), "")


def text_of(value: Any, what: str) -> str:
    """`value` if it is text. Raises RowProblem."""
    if isinstance(value, str):
        return value
    raise RowProblem(f"{what} is {'null' if value is None else f'not text but a {_type(value)}'}")


def optional_text(value: Any, what: str) -> str:
    """`value` if it is text, empty where it is null. Raises RowProblem."""
    return "" if value is None else text_of(value, what)


def list_of(value: Any, what: str) -> list[Any]:
    """`value` if it is a list, or the JSON text of one, as a table's cell holds it. Raises RowProblem."""
    value = from_json(value, what, "[")
    if isinstance(value, list):
        return value
    raise RowProblem(f"{what} is {'null' if value is None else f'not a list but a {_type(value)}'}")


def from_json(value: Any, what: str, opening: str = "[{") -> Any:
    """What `value` says where it is JSON text that begins with one of `opening`; else `value`."""
    if not isinstance(value, str) or value.lstrip()[:1] not in tuple(opening):
        return value
    try:
        return strict_json.decode(value)
    except ValueError as error:
        raise RowProblem(f"{what} is {error}") from None


def shown(value: Any) -> str:
    """A value of the source as a reason names it: short, on one line, and nothing that cannot be written."""
    text = value if isinstance(value, str) and value.isidentifier() and value.isascii() else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def turns_in(value: Any) -> Any:
    """The list of objects that a text is the JSON of; else `value`: answers may begin with a bracket."""
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return value
    try:
        found = strict_json.decode(value)
    except ValueError:
        return value
    objects = isinstance(found, list) and found and all(isinstance(turn, dict) for turn in found)
    return found if objects else value


def to_json(value: Any, what: str) -> str:
    """`value` as JSON text, keys in their order. Raises RowProblem where it cannot be written."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        raise RowProblem(f"{what} holds what JSON cannot") from None


def _type(value: Any) -> str:
    return {"dict": "object", "str": "text", "bool": "truth value"}.get(
        type(value).__name__, type(value).__name__
    )
