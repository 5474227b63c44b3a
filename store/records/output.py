"""What shape an answer must have: free text, JSON (by a schema), a pattern, one of some choices.

How that is enforced is not known here (engine.inference.structured).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

OutputKind = Literal["text", "json_object", "json_schema", "regex", "choice"]


class OutputFormat(msgspec.Struct, omit_defaults=True, frozen=True):
    """`schema` belongs to json_schema, `pattern` to regex, `choices` to choice; `name` is for people."""

    kind: OutputKind = "text"
    schema: Any = None
    pattern: str = ""
    choices: list[str] = []
    name: str = ""
