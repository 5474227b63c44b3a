"""Values of arguments as BFCL reads them: the type that a description means, literals of Java and JavaScript.

Calls of such functions come with each value as source text ("10L", "new int[]{1, 2}"), which is read by the
type that the description states; text that is no such literal stays text, as there. Nothing is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal

from engine.evals.checks.calls import parts

Language = Literal["python", "java", "javascript"]
Type = type[Any]

TYPES: dict[Language, dict[str, Type]] = {
    "python": {
        **dict.fromkeys(("string", "any"), str),
        "integer": int,
        **dict.fromkeys(("float", "number"), float),
        "boolean": bool,
        **dict.fromkeys(("array", "tuple"), list),
        **dict.fromkeys(("dict", "object"), dict),
    },
    "java": {
        **dict.fromkeys(("byte", "short", "integer", "long"), int),
        **dict.fromkeys(("float", "double"), float),
        "boolean": bool,
        **dict.fromkeys(("char", "String", "any"), str),
        **dict.fromkeys(("Array", "ArrayList", "Queue", "Stack"), list),
        **dict.fromkeys(("HashMap", "Hashtable"), dict),
    },
    "javascript": {
        **dict.fromkeys(("String", "any"), str),
        **dict.fromkeys(("integer", "Bigint"), int),
        "float": float,
        "Boolean": bool,
        "array": list,
        "dict": dict,
    },
}
LISTS: dict[Language, tuple[str, ...]] = {
    "python": ("array", "tuple"),
    "java": ("Array", "ArrayList"),
    "javascript": ("array",),
}
"""Types whose items have a type of their own."""

_DECIMAL = r"-?\d+(?:\.\d+)?"
_LITERALS: dict[Language, dict[str, tuple[str, Callable[[str], Any]]]] = {
    "java": {
        **dict.fromkeys(("byte", "short", "integer"), (r"-?\d+", int)),
        "long": (r"-?\d+[lL]", lambda text: int(text[:-1])),
        "float": (rf"{_DECIMAL}(?:[eE][+-]?\d+)?[fF]", lambda text: float(text[:-1])),
        "double": (rf"{_DECIMAL}(?:[eE][+-]?\d+)?", float),
        "boolean": (r"true|false", lambda text: text == "true"),
    },
    "javascript": {
        "integer": (r"-?\d+", int),
        "float": (_DECIMAL, float),
        "Bigint": (r"-?\d+n", lambda text: int(text[:-1])),
        "Boolean": (r"true|false", lambda text: text == "true"),
        "String": (r"\"[\s\S]*\"|'[\s\S]*'", lambda text: text[1:-1]),
    },
}
DIGITS = 400
"""More than that is text, not a number."""


def read(text: str, stated: str, inner: str, language: Language) -> Any:
    """The value of source text for a parameter of type `stated`, whose items are of type `inner`."""
    text = text.strip() if stated in LISTS[language] or stated in ("HashMap", "dict") else text
    if stated in LISTS[language]:
        items = _java_items(text, stated) if language == "java" else _items(text)
        return text if items is None else [_item(one, stated, inner, language) for one in items]
    if language == "java" and stated == "HashMap":
        return _java_map(text)
    if language == "javascript" and stated == "dict":
        return _object(text)
    pattern, value = _LITERALS[language].get(stated, ("(?!)", str))
    return value(text) if len(text) < DIGITS and re.fullmatch(pattern, text) else text


def _item(text: str, stated: str, inner: str, language: Language) -> Any:
    if stated == "ArrayList" and inner in ("char", "String"):
        return text[1:-1]
    if language == "javascript" and text.startswith("["):
        return [_untyped(one) for one in _items(text) or []]
    return read(text, inner, "", language) if inner else _untyped(text)


def _untyped(text: str) -> Any:
    """A literal of which nothing says the type."""
    if text in ("true", "false"):
        return text == "true"
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    if len(text) < DIGITS and re.fullmatch(rf"{_DECIMAL}(?:[eE][+-]?\d+)?[lLfF]?", text):
        return float(text.rstrip("fF")) if re.search(r"[.eEfF]", text) else int(text.rstrip("lL"))
    return text


def _java_items(text: str, stated: str) -> list[str] | None:
    """The items of new T[]{...} or new ArrayList<T>(...); None where the text is neither."""
    if stated == "Array":
        found = re.search(r"new\s+\w+\[\]\s*\{(.*)\}", text, re.DOTALL)
        return parts(found[1]) if found else None
    if found := re.search(r"new\s+ArrayList<\w*>\(Arrays\.asList\((.+)\)\)", text, re.DOTALL):
        return parts(found[1])
    if found := re.search(r"new\s+ArrayList<\w*>\(\)\s*\{\{(.+)\}\}", text, re.DOTALL):
        return re.findall(r"add\((.+?)\)", found[1])
    return [] if re.search(r"new\s+ArrayList<\w*>\(\)", text) else None


def _java_map(text: str) -> Any:
    if not re.search(r"new\s+HashMap<.*?>\s*\(\)", text):
        return text
    return {key: _untyped(value.strip()) for key, value in re.findall(r"put\(\"(.*?)\",\s*(.*?)\)", text)}


def _items(text: str) -> list[str] | None:
    """The items of [...] or new Array(...); None where the text is neither."""
    found = re.fullmatch(r"\[(.*)\]|new\s+Array\((.*)\)", text, re.DOTALL)
    return parts(found[1] if found[1] is not None else found[2]) if found else None


def _object(text: str) -> Any:
    """{key: value, ...}: quoted values that read as numbers are numbers, as in BFCL."""
    if not re.fullmatch(r"\{.*\}", text, re.DOTALL):
        return text
    found: dict[str, Any] = {}
    for pair in parts(text[1:-1]):
        key, colon, value = pair.partition(":")
        if not colon:
            return text
        value = value.strip()
        if value.startswith("["):
            found[key.strip(" \t\n'\"")] = [_untyped(one) for one in _items(value) or []]
        elif value.startswith("{"):
            found[key.strip(" \t\n'\"")] = _object(value)
        else:
            found[key.strip(" \t\n'\"")] = _untyped(value.strip("'\""))
    return found
