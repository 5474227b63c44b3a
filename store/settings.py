"""Settings files become typed structs, or a list of everything that is wrong with them.

msgspec stops at the first error; a person wants all of them at once, each with its file, its key and the
nearest key that exists. Knows nothing of what the settings mean.
"""

from __future__ import annotations

import difflib
import tomllib
import types
import typing
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from store.errors import MissingError, UsageError

T = TypeVar("T", bound=msgspec.Struct)


def read_toml(path: Path) -> dict[str, Any]:
    """The raw content of a TOML file. Raises MissingError or UsageError with the line that is wrong."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise MissingError("No such settings file", f"{path} is not there.", "Check the path.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError("The settings file is not TOML", f"{path}: {error}.", "Mend that line.") from error


def build(raw: dict[str, Any], kind: type[T], source: str, look: Callable[[T], list[str]] | None = None) -> T:
    """`raw` as a `kind`. Raises UsageError with every problem, one per line, each starting with `source`.

    `look` finds what is wrong between values, once each is right on its own.
    """
    problems = check(raw, kind)
    built = None if problems else msgspec.convert(raw, kind)
    if built is not None and look is not None:
        problems = look(built)
    if built is None or problems:
        raise UsageError(
            f"{source} has {len(problems)} problem{'s' if len(problems) > 1 else ''}",
            "\n".join(f"{source}: {problem}" for problem in problems),
            "Mend the keys named above.",
        )
    return built


def check(raw: Any, kind: type[msgspec.Struct], key: str = "") -> list[str]:
    """Every problem of `raw` as a `kind`, as `key: what is wrong`."""
    if not isinstance(raw, dict):
        return [f"{key or 'the file'}: expected a table, got {_name(raw)}"]
    hints, fields = _described(kind)
    problems = []
    for name, value in raw.items():
        where = f"{key}.{name}" if key else name
        if name not in fields:
            problems.append(f"{where}: unknown key{_nearest(name, list(fields))}")
        else:
            problems += _check_value(value, hints[fields[name].name], where)
    for name, field in fields.items():
        if field.required and name not in raw:
            problems.append(f"{key}.{name}: missing" if key else f"{name}: missing")
    return problems


@cache
def _described(kind: type[msgspec.Struct]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The types of a struct's fields and what msgspec knows of them: a suite asks for each of its cases."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return hints, {field.encode_name: field for field in msgspec.structs.fields(kind)}


def _check_value(value: Any, hint: Any, where: str) -> list[str]:
    inner = _struct_in(hint)
    if inner is not None and isinstance(value, dict):
        return check(value, inner, where)
    if get_origin(hint) is dict and isinstance(value, dict):
        item = get_args(hint)[1]
        return [
            problem
            for name, entry in value.items()
            for problem in _check_value(entry, item, f"{where}.{name}")
        ]
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        return [f"{where}: {str(error).replace(' - at `$`', '')}, got {value!r}{_choices(value, hint)}"]
    return []


def _choices(value: Any, hint: Any) -> str:
    """The nearest of the words that a hint allows, or all of them; empty where it allows others."""
    words = [word for one in (hint, *get_args(hint)) for word in get_args(one) if get_origin(one) is Literal]
    return _nearest(value, words) if words and isinstance(value, str) else ""


def _struct_in(hint: Any) -> type[msgspec.Struct] | None:
    """The struct that a hint is, or the one struct of `Struct | None`."""
    candidates = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    structs = [one for one in candidates if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    return structs[0] if len(structs) == 1 else None


def _nearest(name: str, known: list[str]) -> str:
    # YAML has keys that are no text: 1, or `on`, which it reads as true
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else f"; known here: {', '.join(known)}"


def _name(value: Any) -> str:
    return type(value).__name__
