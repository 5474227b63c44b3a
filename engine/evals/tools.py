"""The functions on offer in a case, as models are told of them: OpenAI's form, JSON Schema's types.

BFCL's files write Python's names of types (dict, float, tuple, any); checks read these as they stand, models
get the standard ones.
"""

from __future__ import annotations

from typing import Any

from store.records.evals import Case

NAMES = {"dict": "object", "float": "number", "tuple": "array"}


def tools_of(case: Case) -> list[dict[str, Any]]:
    """A case's tools, each as `{"type": "function", "function": {...}}`."""
    return [{"type": "function", "function": _standard(tool.get("function", tool))} for tool in case.tools]


def _standard(value: Any) -> Any:
    """A description with standard types; `any` says nothing and is left out. Names of arguments stay."""
    if isinstance(value, list):
        return [_standard(one) for one in value]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for key, inner in value.items():
        if key == "type" and isinstance(inner, str):
            if inner != "any":
                made[key] = NAMES.get(inner, inner)
        elif key == "properties" and isinstance(inner, dict):
            made[key] = {name: _standard(one) for name, one in inner.items()}
        elif key in ("enum", "default", "const", "examples"):
            made[key] = inner
        else:
            made[key] = _standard(inner)
    return made
