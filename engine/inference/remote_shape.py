"""The shape of an answer in an API's words: its `response_format`, and sentences where it has none.

APIs differ in what they take: `SHAPES` go from the strictest down, and a refused one is followed by the next.
Whatever was asked for, answers are judged on this machine.
"""

from __future__ import annotations

import json
import re
from typing import Any

from store.records.output import OutputFormat

SHAPES = ("response_format json_schema", "response_format json_object", "no response_format")
TAKES_LESS = (400, 404, 415, 422, 501)
"""Answers of an API that does not know a `response_format`."""


def response_format(output: OutputFormat, shape: int) -> dict[str, Any]:
    """The part of a request that asks for JSON; nothing for shapes that the API has no words for."""
    if output.kind == "json_schema" and shape == 0:
        named = {"name": output.name or "answer", "schema": output.schema}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    if output.kind in ("json_schema", "json_object") and shape < 2:
        return {"response_format": {"type": "json_object"}}
    return {}


def described(output: OutputFormat, shape: int) -> str:
    """The shape in a sentence, where the request itself cannot say it."""
    if output.kind == "choice":
        choices = "\n".join(output.choices)
        return f"Answer with exactly one of these lines and nothing else:\n{choices}"
    if output.kind == "regex":
        return f"Answer with a text that this regular expression matches as a whole: {output.pattern}"
    if output.kind == "json_schema" and shape:
        schema = json.dumps(output.schema, ensure_ascii=False)
        return f"Answer with JSON alone, by this JSON Schema:\n{schema}"
    if output.kind == "json_object":  # some APIs insist on the word in the conversation
        return "Answer with a JSON object alone."
    return ""


def unfenced(text: str) -> str:
    """What stands in a code fence, where that is all there is."""
    match = re.fullmatch(r"\s*```[A-Za-z]*\n(.*?)\n?```\s*", text, re.DOTALL)
    return match[1] if match else text
