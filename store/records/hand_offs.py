"""An export handed to another program: what was written for it, and the command that runs it there."""

from __future__ import annotations

from typing import Literal

import msgspec

Tool = Literal["ollama", "lmstudio", "vllm", "tgi", "transformers"]


class HandOff(msgspec.Struct):
    """`command` is a line for a shell, `files` the paths that were written, `notes` what else to mind."""

    tool: Tool
    command: str
    files: list[str] = []
    notes: list[str] = []
