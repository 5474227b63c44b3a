"""Tool calls in the text of an answer: the ways that models write them, parsed. Nothing is evaluated.

Read in this order: <tool_call> tags, JSON (one call or a list), Python calls ([f(a=1), g(b="x")]). Calls of
other languages (`source`) keep their values as source text.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

from engine.data.importers import strict_json
from engine.evals.checks.values import json_text
from store.records.data import ToolCall

Call = tuple[str, dict[str, Any]]
_TAGS = re.compile(r"<(tool_call|TOOLCALL|function_call)>(.*?)(?:</\1>|$)", re.DOTALL)
_FENCE = re.compile(r"```(?:json|python|tool_call)?\s*\n(.*?)```", re.DOTALL)
_PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">"}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_NAMES, _ARGUMENTS = ("name", "function", "tool_name"), ("arguments", "parameters", "args", "input")


def calls_in(text: str, source: bool = False) -> list[Call]:
    """All calls that an answer makes, in order; none where it makes none. Raises ValueError with the reason
    where it begins one that cannot be read. `source`: calls that are no JSON are those of another language
    than Python.
    """
    if tagged := _TAGS.findall(text):
        return [call for _, inner in tagged for call in _calls(inner.strip(), source)]
    if fenced := _FENCE.search(text):
        text = fenced.group(1)
    text = text.strip()
    if not _looks_like_one(text):
        return []
    return _calls(text, source)


def parsed_calls(calls: Sequence[ToolCall]) -> list[Call]:
    """Calls with their arguments as values. Raises ValueError for arguments that are no JSON object."""
    return [(call.name, _object(call.arguments, call.name)) for call in calls]


def as_tool_calls(calls: Sequence[Call]) -> list[ToolCall]:
    """Calls as records."""
    return [ToolCall(name, json_text(arguments)) for name, arguments in calls]


def _looks_like_one(text: str) -> bool:
    if text.startswith(("{", "[{")):
        return any(f'"{name}"' in text for name in _NAMES) or '": {' in text or '":{' in text
    return bool(re.match(r"\[?\s*[A-Za-z_][\w.]*\s*\((?:\s*[A-Za-z_]\w*\s*=|\s*\))", text))


def _calls(text: str, source: bool) -> list[Call]:
    if text[:1] in "{[" and text[1:2] != "" and not re.match(r"\[\s*[A-Za-z_]", text):
        value = strict_json.decode(text)
        return [_of_json(one) for one in (value if isinstance(value, list) else [value])]
    return _of_source(text) if source else _of_python(text)


def _of_json(value: Any) -> Call:
    """One call as JSON: {"name": f, "arguments": {...}} in the usual spellings, or {f: {...}}."""
    if not isinstance(value, dict):
        raise ValueError(f"a call is an object, not {type(value).__name__}")
    if isinstance(value.get("function"), dict):
        value = value["function"]
    name = next((value[key] for key in _NAMES if isinstance(value.get(key), str)), None)
    if name is not None:
        return name, _object(next((value[key] for key in _ARGUMENTS if key in value), {}), name)
    if len(value) == 1:
        [(name, arguments)] = value.items()
        return name, _object(arguments, name)
    raise ValueError("an object that names no function")


def _object(arguments: Any, name: str) -> dict[str, Any]:
    if isinstance(arguments, str):
        arguments = strict_json.decode(arguments) if arguments.strip() else {}
    if not isinstance(arguments, dict):
        raise ValueError(f"the arguments of {name} are no object")
    return arguments


def _of_python(text: str) -> list[Call]:
    try:
        body = ast.parse(text.strip().strip("'"), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"no call that can be read: {type(error).__name__}") from error
    elements = body.elts if isinstance(body, ast.List | ast.Tuple) else [body]
    return [_of_node(element) for element in elements]


def _of_node(node: ast.expr) -> Call:
    if not isinstance(node, ast.Call):
        raise ValueError("something that is no call")
    if node.args or any(keyword.arg is None for keyword in node.keywords):
        raise ValueError("a call whose arguments have no names")
    arguments = {keyword.arg: _value(keyword.value) for keyword in node.keywords if keyword.arg}
    return ast.unparse(node.func), arguments


def _value(node: ast.expr) -> Any:
    """A literal's value, item by item; arithmetic with numbers is worked out; of anything else its text. So
    BFCL reads values, which evaluates more.
    """
    match node:
        case ast.Constant(value=str() | int() | float() | None):
            return node.value
        case ast.Constant(value=value) if value is ...:
            return "..."
        case ast.List() | ast.Tuple():
            items = [_value(item) for item in node.elts]
            return items if isinstance(node, ast.List) else tuple(items)
        case ast.Dict() if all(isinstance(key, ast.Constant) for key in node.keys):
            return {_key(key): _value(value) for key, value in zip(node.keys, node.values, strict=True)}
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()) | ast.BinOp():
            number = _number(node)
            return ast.unparse(node) if number is None else number
        case _:
            return ast.unparse(node)


def _key(node: ast.expr | None) -> str:
    value = node.value if isinstance(node, ast.Constant) else ""
    return value if isinstance(value, str) else repr(value)


def _number(node: ast.expr) -> int | float | None:
    """What arithmetic with numbers comes to; None where it is something else, or has no result."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            inner = _number(operand)
            return None if inner is None else -inner if isinstance(sign, ast.USub) else inner
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            one, other = _number(left), _number(right)
            if one is None or other is None:
                return None
            try:
                result: int | float = _ARITHMETIC[type(op)](one, other)
            except (ArithmeticError, ValueError):
                return None
            return result
        case _:
            return None


def _of_source(text: str) -> list[Call]:
    """Calls with named arguments in a language whose values are left as they stand, quotes of texts aside."""
    listed = re.fullmatch(r"\[(.*)\]", text, re.DOTALL)
    return [_source_call(one) for one in parts(listed[1] if listed else text)]


def _source_call(text: str) -> Call:
    found = re.fullmatch(r"([\w.$]+)\s*\((.*)\)\s*;?", text, re.DOTALL)
    if found is None:
        raise ValueError("something that is no call")
    arguments = {}
    for part in parts(found[2]):
        name, equals, value = part.partition("=")
        if not equals or not re.fullmatch(r"[\w$]+", name.strip()):
            raise ValueError("a call whose arguments have no names")
        value = value.strip()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        arguments[name.strip()] = value[1:-1] if quoted else value
    return found[1], arguments


def parts(text: str, separator: str = ",") -> list[str]:
    """A text parted at separators that stand in no brackets and no quotes; empty parts left out."""
    found, start, closing, quote = [], 0, "", ""
    for at, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote and text[at - 1] != "\\" else quote
        elif letter in "\"'":
            quote = letter
        elif letter in _PAIRS:
            closing += _PAIRS[letter]
        elif closing and letter == closing[-1]:
            closing = closing[:-1]
        elif letter == separator and not closing:
            found.append(text[start:at])
            start = at + 1
    return [one.strip() for one in [*found, text[start:]] if one.strip()]
