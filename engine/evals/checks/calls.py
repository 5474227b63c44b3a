"""Tool calls in the text of an answer: the ways that models write them, parsed. Nothing is evaluated.

Read in this order: <tool_call> tags, JSON (one call or a list), Python calls ([f(a=1), g(b="x")]).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from engine.data.importers import strict_json
from store.records.data import ToolCall

Call = tuple[str, dict[str, Any]]
_TAGS = re.compile(r"<(tool_call|TOOLCALL|function_call)>(.*?)(?:</\1>|$)", re.DOTALL)
_FENCE = re.compile(r"```(?:json|python|tool_call)?\s*\n(.*?)```", re.DOTALL)
_NAMES, _ARGUMENTS = ("name", "function", "tool_name"), ("arguments", "parameters", "args", "input")


def calls_in(text: str) -> list[Call]:
    """All calls that an answer makes, in order; none where it makes none. Raises ValueError with the reason
    where it begins one that cannot be read.
    """
    if tagged := _TAGS.findall(text):
        return [call for _, inner in tagged for call in _calls(inner.strip())]
    if fenced := _FENCE.search(text):
        text = fenced.group(1)
    text = text.strip()
    if not _looks_like_one(text):
        return []
    return _calls(text)


def parsed_calls(calls: Sequence[ToolCall]) -> list[Call]:
    """Calls with their arguments as values. Raises ValueError for arguments that are no JSON object."""
    return [(call.name, _object(call.arguments, call.name)) for call in calls]


def as_tool_calls(calls: Sequence[Call]) -> list[ToolCall]:
    """Calls as records."""
    return [ToolCall(name, msgspec.json.encode(arguments).decode()) for name, arguments in calls]


def _looks_like_one(text: str) -> bool:
    if text.startswith(("{", "[{")):
        return any(f'"{name}"' in text for name in _NAMES) or '": {' in text or '":{' in text
    return bool(re.match(r"\[?\s*[A-Za-z_][\w.]*\s*\((?:\s*[A-Za-z_]\w*\s*=|\s*\))", text))


def _calls(text: str) -> list[Call]:
    if text[:1] in "{[" and text[1:2] != "" and not re.match(r"\[\s*[A-Za-z_]", text):
        value = strict_json.decode(text)
        return [_of_json(one) for one in (value if isinstance(value, list) else [value])]
    return _of_python(text)


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
    """A literal's value; of anything else its text, as BFCL reads it."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return {"true": True, "false": False, "null": None}.get(ast.unparse(node), ast.unparse(node))
    return value
