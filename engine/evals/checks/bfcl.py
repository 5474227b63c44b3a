"""The rules by which the Berkeley Function-Calling Leaderboard says that a call is right.

Those of its AST evaluation (Patil et al. 2025, the leaderboard's ast_checker), in words:

- the function's name is the expected one, each required argument is there, and no argument that the function
  or the right answer does not know;
- a value has the type of the function's description, or that of the right values (these may name a variable);
  an integer will do for a float, never the other way, and true is no integer;
- texts are compared without case, spaces and ,./-_*^ and with ' as "; lists in order; objects key by key,
  where each key has right values of its own;
- an argument may be left out where "" is among its right values;
- arguments of Java and JavaScript functions are source text, read by engine.evals.checks.bfcl_values, and an
  integer will not do for a float there.

Nested lists and objects are looked into one level deep, as there. Any answer that these rules accept there is
accepted here; they are not improved upon.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from engine.evals.checks.bfcl_values import LISTS, TYPES, Language, read
from engine.evals.checks.calls import Call
from store.records.evals import ExpectedCall

OPTIONAL = ""
_IGNORED = re.compile(r"[ \,\.\/\-\_\*\^]")


def wrong_calls(
    found: Sequence[Call],
    right: Sequence[ExpectedCall],
    tools: Sequence[dict[str, Any]],
    language: Language = "python",
) -> str:
    """Why the calls are not the expected ones, in any order, each matched once; "" where they are."""
    if len(found) != len(right):
        return f"wrong count: {len(found)} calls, expected {len(right)}"
    left = list(found)
    for expected in right:
        whys = []
        for at, call in enumerate(left):
            why = wrong_call(call, expected, tools, language)
            if not why:
                del left[at]  # by its place: f(1), f(1.0) and f(True) are equal to Python
                break
            whys.append(why)
        else:
            return whys[0] if len(whys) == 1 else f"no call fits {expected.name}: {'; '.join(whys)}"
    return ""


def wrong_call(
    call: Call, expected: ExpectedCall, tools: Sequence[dict[str, Any]], language: Language = "python"
) -> str:
    """Why a call is not the expected one, the kind of fault first; "" where it is."""
    name, arguments = call
    if name != expected.name:
        return f"wrong function: {name}, expected {expected.name}"
    accepts = accepted(expected)
    described, required = parameters_of(expected.name, tools)
    for key in required:
        if key not in arguments:
            return f"missing argument: {key}"
    for key, value in arguments.items():
        if key not in accepts or (described is not None and key not in described):
            return f"unexpected argument: {key}"
        why = wrong_value(key, value, accepts[key], (described or {}).get(key), language)
        if why:
            return why
    for key, values in accepts.items():
        if key not in arguments and OPTIONAL not in values:
            return f"missing argument: {key}"
    return ""


def accepted(expected: ExpectedCall) -> dict[str, list[Any]]:
    """Right values of each argument as BFCL writes them; of plain `arguments` the one value that is right."""
    return expected.accepts or {key: [_alternatives(value)] for key, value in expected.arguments.items()}


def _alternatives(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: [one] for key, one in value.items()}
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return [{key: [inner] for key, inner in one.items()} for one in value]
    return value


def parameters_of(
    name: str, tools: Sequence[dict[str, Any]]
) -> tuple[dict[str, dict[str, Any]] | None, list[str]]:
    """A function's described parameters and the names of those required; None where it is not described."""
    for tool in tools:
        function = tool.get("function", tool)
        if function.get("name") == name:
            parameters = function.get("parameters") or {}
            return dict(parameters.get("properties") or {}), list(parameters.get("required") or [])
    return None, []


def wrong_value(
    key: str,
    value: Any,
    values: Sequence[Any],
    described: dict[str, Any] | None,
    language: Language = "python",
) -> str:
    """Why a value is none of the right `values`; "" where it is one."""
    named = described.get("type") if described else None
    stated = named if isinstance(named, str) else ""
    kind = TYPES[language].get(stated)
    inner_name = _inner(stated, described, language)
    inner = TYPES[language].get(inner_name)
    if kind is not None and language != "python":
        if not isinstance(value, str):
            return f"wrong type: {key} is {type(value).__name__}, expected source text of {stated}"
        value = read(value, stated, inner_name, language)
    if kind is None:  # nothing says which: the right values do
        kind = type_of(values) or type(value)
    if isinstance(value, tuple) and stated != "array":  # a tuple is no array, but it is a tuple's list
        value = list(value)
    if kind is float and type(value) is int and language == "python":
        value = float(value)
    variable = _fits(value, values, kind, inner)
    if variable is None:
        return f"wrong type: {key} is {type(value).__name__}, expected {stated or kind.__name__}"
    if not variable:
        if kind is dict:
            return _wrong_object(key, value, values)
        if kind is list and inner is dict:
            return _wrong_objects(key, value, values)
        if kind is str:
            right = [standard(one) for one in values if isinstance(one, str)]
            return "" if standard(value) in right else _wrong(key, value, values)
        if kind is list:
            right_lists = [[standard(one) for one in option] for option in values if _lists(option)]
            return "" if [standard(one) for one in value] in right_lists else _wrong(key, value, values)
    return "" if value in values else _wrong(key, value, values)


def standard(value: Any) -> Any:
    """A text without case, spaces and ,./-_*^, quotes alike; anything else as it is."""
    if not isinstance(value, str):
        return value
    return _IGNORED.sub("", value).lower().replace("'", '"')


def type_of(values: Sequence[Any]) -> type | None:
    """The type of the first right value; None where the argument may only be left out."""
    return next((type(one) for one in values if one != OPTIONAL), None)


def _fits(value: Any, values: Sequence[Any], kind: type[Any], inner: type[Any] | None) -> bool | None:
    """None where the value has a wrong type; else whether the right values are of another type than
    described, and so to be compared as they are.
    """
    right = type_of(values)
    variable = right is not None and right is not kind
    if type(value) is kind:
        if inner is None or any(_all_fit(value, option, inner) for option in values):
            return variable
        return None
    return True if right is not None and type(value) is right else None


def _all_fit(value: list[Any], option: Any, inner: type) -> bool:
    return not isinstance(option, list) or all(_fits(one, option, inner, None) is not None for one in value)


def _inner(stated: str, described: dict[str, Any] | None, language: Language) -> str:
    """The stated type of a list's items; "" where there is none."""
    items = (described or {}).get("items") if stated in LISTS[language] else None
    named = items.get("type") if isinstance(items, dict) else None
    return named if isinstance(named, str) else ""


def _wrong_object(key: str, value: dict[str, Any], options: Sequence[Any]) -> str:
    why = _wrong(key, value, options)
    for option in options:
        if option == OPTIONAL:
            continue
        why = _wrong_keys(value, option)
        if not why:
            return ""
    return why


def _wrong_keys(value: Any, option: dict[str, list[Any]]) -> str:
    if not isinstance(value, dict):
        return f"wrong type: {value!r} is no object"
    for name, inner in value.items():
        if name not in option:
            return f"unexpected argument: {name}"
        if standard(inner) not in [standard(one) for one in option[name]]:
            return _wrong(name, inner, option[name])
    left_out = [name for name, inner in option.items() if name not in value and OPTIONAL not in inner]
    return f"missing argument: {left_out[0]}" if left_out else ""


def _wrong_objects(key: str, value: list[Any], options: Sequence[Any]) -> str:
    why = _wrong(key, value, options)
    for option in options:
        if len(value) != len(option):
            why = f"wrong value: {key} has {len(value)} objects, expected {len(option)}"
            continue
        why = next(filter(None, map(_wrong_keys, value, option)), "")
        if not why:
            return ""
    return why


def _lists(option: Any) -> bool:
    # "" among the right values of a list lets an empty list pass, as in BFCL
    return isinstance(option, list) or option == OPTIONAL


def _wrong(key: str, value: Any, values: Sequence[Any]) -> str:
    return f"wrong value: {key} is {value!r}, expected one of {list(values)!r}"
