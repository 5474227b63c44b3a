"""Tool definitions and tool calls in all the forms that sources write, made into one.

Definitions: a JSON array of {"type": "function", "function": {...}}, which chat templates read. Calls: a name
and a JSON object as text. Does not know who calls (engine.data.shapes.turns).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.data.importers import strict_json
from engine.data.problems import RowProblem
from engine.data.shapes.contract import Fields, first_key, from_json, shown, to_json
from store.records.data import ToolCall

DEFINITIONS = ("tools", "functions")


def tools_of(record: Fields, keys: Sequence[str] = DEFINITIONS) -> str:
    """The functions on offer in a record, under the first of `keys`, as canonical JSON text; empty without.

    Raises RowProblem for what is no function definition.
    """
    key = next((key for key in keys if record.get(key)), "")
    found = from_json(record.get(key), key) if key else None
    if not found:
        return ""
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list):
        raise RowProblem(f"{key} is not a list of function definitions")
    return to_json([_definition(tool) for tool in found], key)


def calls_of(value: Any) -> list[ToolCall]:
    """The calls of a `tool_calls` list, or of its JSON text. Raises RowProblem."""
    value = from_json(value, "tool_calls")
    if not value:
        return []
    return [one_call(call) for call in (value if isinstance(value, list) else [value])]


def calls_of_text(value: Any) -> list[ToolCall]:
    """The calls of a turn that is nothing but calls: an object or a list, mostly as JSON text."""
    calls = from_json(value, "a function call")
    if not isinstance(calls, list | dict) or not calls:
        raise RowProblem("a function call is empty or no JSON")
    return calls_of(calls)


def one_call(value: Any) -> ToolCall:
    """One call: OpenAI's nested form or {"name": ..., "arguments": ...}. Raises RowProblem."""
    value = from_json(value, "a tool call", "{")
    if not isinstance(value, dict):
        raise RowProblem("a tool call is not an object")
    function = value.get("function")
    inner = function if isinstance(function, dict) else value
    name = inner.get("name") or (function if isinstance(function, str) else None)
    if not isinstance(name, str) or not name.strip():
        raise RowProblem("a tool call has no name")
    given = inner.get(first_key(inner, ("arguments", "parameters", "args", "input")))
    call_id = value.get("id")
    return ToolCall(name, _arguments(given, name), call_id if isinstance(call_id, str) else "")


def _definition(tool: Any) -> dict[str, Any]:
    if not isinstance(tool, dict):
        raise RowProblem("a tool definition is not an object")
    kind = tool.get("type", "function")
    if kind != "function":
        raise RowProblem(f"a tool is of type {shown(kind)}, only functions can be trained on")
    function = tool.get("function")
    if not isinstance(function, dict):
        function = {key: value for key, value in tool.items() if key != "type"}
    if not isinstance(function.get("name"), str) or not function["name"].strip():
        raise RowProblem("a tool definition has no name")
    return {"type": "function", "function": function}


def _arguments(value: Any, name: str) -> str:
    if value is None or value == "":
        return "{}"
    if isinstance(value, dict):
        return to_json(value, f"the arguments of {shown(name)}")
    if not isinstance(value, str):
        raise RowProblem(f"the arguments of {shown(name)} are not an object")
    try:
        found = strict_json.decode(value)
    except ValueError as error:
        raise RowProblem(f"the arguments of {shown(name)} are {error}") from None
    if not isinstance(found, dict):
        raise RowProblem(f"the arguments of {shown(name)} are not an object")
    return value
