"""The manual of a recipe: each field with what it may be and its docstring, read off the structs themselves.

So a form, a file and `--set` can never say different things. Knows nothing of screens.
"""

from __future__ import annotations

import ast
import functools
import json
import tomllib
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

from store.records import recipe as source
from store.records.recipe import Recipe


class Field(msgspec.Struct, frozen=True):
    """One field of a recipe. `key` is what `--set` calls it: `lora.rank`.

    `words` are the values that it has by name; with `closed` there are no others. `text`: its value is text,
    and not to be read as a number. `expects` says in words what it may be.
    """

    key: str
    about: str
    default: Any
    expects: str
    words: tuple[str, ...] = ()
    closed: bool = False
    text: bool = False

    def value(self, typed: str) -> Any:
        """What was typed as the value that `--set` would read; text stays as it is where it is none."""
        if self.text:
            return typed
        try:
            return tomllib.loads(f"value = {typed}")["value"]
        except tomllib.TOMLDecodeError:
            return typed

    def override(self, typed: str) -> str:
        """`key=value` for `--set`: quoted where a text would be read as something else."""
        plain = not self.text or self._reads_as(typed)
        return f"{self.key}={typed if plain else json.dumps(typed, ensure_ascii=False)}"

    def _reads_as(self, typed: str) -> bool:
        try:
            return bool(tomllib.loads(f"value = {typed}")["value"] == typed)
        except tomllib.TOMLDecodeError:
            return bool(typed) and "\n" not in typed


def typed(value: Any) -> str:
    """A value as a person would type it: the way back from `Field.value`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(typed(one) for one in value)}]"
    return str(value)


@functools.cache
def fields() -> tuple[Field, ...]:
    """Every field of a recipe, in the order of its file; those of the table `lora` behind the others."""
    described = inspect.type_info(Recipe)
    assert isinstance(described, inspect.StructType), "a recipe is a struct"
    return tuple(_of(described, docstrings()))


def _of(struct: inspect.StructType, said: dict[str, dict[str, str]], table: str = "") -> list[Field]:
    found: list[Field] = []
    hints = get_type_hints(struct.cls)
    for field in struct.fields:
        kind = field.type
        if isinstance(kind, inspect.StructType):
            found += _of(kind, said, f"{field.encode_name}.")
            continue
        key = table + field.encode_name
        about = said.get(struct.cls.__name__, {}).get(field.name, "")
        words = words_of(hints[field.name])
        text = isinstance(kind, inspect.StrType) or _all_text(kind)
        found.append(Field(key, about, field.default, expects(kind, words), words, _closed(kind), text))
    return found


def docstrings() -> dict[str, dict[str, str]]:
    """The text below each field, by struct and name, as one paragraph."""
    tree = ast.parse(Path(source.__file__).read_text(encoding="utf-8"))
    found: dict[str, dict[str, str]] = {}
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        own = found.setdefault(node.name, {})
        for field, behind in zip(node.body, node.body[1:], strict=False):
            if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
                continue
            if isinstance(behind, ast.Expr) and isinstance(behind.value, ast.Constant):
                own[field.target.id] = " ".join(str(behind.value.value).split())
    return found


def words_of(hint: Any) -> tuple[str, ...]:
    """The values of a type that have names, in the order in which it names them."""
    if hint is bool:
        return ("false", "true")
    if get_origin(hint) is Literal:
        return tuple(map(str, get_args(hint)))
    return tuple(word for one in get_args(hint) for word in words_of(one))


def _closed(kind: inspect.Type) -> bool:
    """Whether a type has no value without a name."""
    inner = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return all(isinstance(one, inspect.LiteralType | inspect.BoolType) for one in inner)


def _all_text(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.LiteralType) and all(isinstance(one, str) for one in kind.values)


def expects(kind: inspect.Type, words: tuple[str, ...]) -> str:
    """What a type allows, in words: `a whole number, at least 1`. `words` are its values with names."""
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        name = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
        return ", ".join([name, *_bounds(kind)])
    named = " or ".join(words) if len(words) < 4 else ", ".join(words)
    if isinstance(kind, inspect.UnionType):
        open_ones = [expects(one, ()) for one in kind.types if not _closed(one)]
        return " or ".join([*open_ones, named])
    if isinstance(kind, inspect.TupleType):
        return f"{len(kind.item_types)} numbers in brackets, each {expects(kind.item_types[0], ())}"
    return named or "text"


def _bounds(kind: inspect.IntType | inspect.FloatType) -> list[str]:
    told = (
        ("at least", kind.ge),
        ("above", kind.gt),
        ("at most", kind.le),
        ("below", kind.lt),
    )
    return [
        f"{name} {bound:g}" if bound < 1e6 else f"{name} {bound:,}"
        for name, bound in told
        if bound is not None
    ]
