"""The functions that a row has on offer: their names, and whether a call's arguments fit one's JSON schema.

Reads the shapes people have: OpenAI's, bare functions, Anthropic's, and type names from Python. Knows nothing
of turns.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

Judge = Callable[[Any], str]
"""Arguments to why they do not fit; empty where they do."""

# Type names of schemas that were written after Python (as in function-calling benchmarks).
_TYPES = {
    "dict": "object",
    "list": "array",
    "tuple": "array",
    "float": "number",
    "int": "integer",
    "str": "string",
    "bool": "boolean",
    "none": "null",
}
_KNOWN = frozenset({"object", "array", "number", "integer", "string", "boolean", "null"})
_SCHEMAS = ("parameters", "input_schema", "inputSchema", "args_schema")


class Offer:
    """All functions of one row by name, each with the judge of its arguments."""

    def __init__(self, judges: dict[str, Judge], problem: str = "") -> None:
        self.judges = judges
        self.problem = problem


@lru_cache(maxsize=256)
def read_offer(tools: str) -> Offer:
    """The functions of `Example.tools`. `problem` says what of it cannot be read."""
    if not tools.strip():
        return Offer({})
    try:
        listed = json.loads(tools)
    except (ValueError, RecursionError) as error:
        return Offer({}, f"the list of functions is not JSON: {error}")
    judges: dict[str, Judge] = {}
    problem = ""
    for tool in listed if isinstance(listed, list) else [listed]:
        name, schema = _function(tool)
        if not name:
            problem = problem or "a function on offer has no name"
            continue
        try:
            judges[name] = _judge(schema)
        except ValueError as error:
            problem = problem or f"the parameters of {name} are no JSON Schema: {error}"
            judges[name] = _anything
    return Offer(judges, problem)


def _function(tool: Any) -> tuple[str, Any]:
    if not isinstance(tool, dict):
        return "", None
    inner = tool.get("function")
    function = inner if isinstance(inner, dict) else tool
    name = function.get("name")
    schema = next((function[key] for key in _SCHEMAS if key in function), None)
    return (name, schema) if isinstance(name, str) else ("", None)


def _judge(schema: Any) -> Judge:
    """Raises ValueError where `schema` is none."""
    if schema in (None, {}, ""):
        return _anything
    import jsonschema
    from jsonschema.exceptions import best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    schema = _modern(schema)
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ValueError(error.message) from error
    # An empty registry: a $ref to elsewhere must not be fetched.
    validator = kind(schema, registry=Registry())

    def judge(arguments: Any) -> str:
        try:
            worst = best_match(validator.iter_errors(arguments))
        except (Unresolvable, RecursionError):
            return ""  # the schema's own fault: nothing is known of the arguments
        return f"{worst.json_path}: {worst.message}" if worst else ""

    return judge


def _anything(arguments: Any) -> str:
    return ""


def _modern(schema: Any) -> Any:
    """A schema with type names as JSON Schema has them; an unknown one (`any`) says nothing."""
    if isinstance(schema, list):
        return [_modern(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    # A parameter may be called `type` or `required`: then its value is a schema, not a keyword's value.
    made = {key: _modern(value) for key, value in schema.items()}
    if isinstance(kind := schema.get("type"), str):
        kind = _TYPES.get(kind.lower(), kind.lower())
        if kind in _KNOWN:
            made["type"] = kind
        else:
            del made["type"]
    if isinstance(made.get("required"), bool):
        del made["required"]  # draft 3's way, and OpenAPI's for single parameters
    return made
