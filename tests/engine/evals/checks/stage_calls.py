"""The check of tool calls, ready to use."""

from __future__ import annotations

from engine.evals.checks import CompiledCheck, compile_checks
from store.records.evals import Check


def call_check(**options: bool | str) -> CompiledCheck:
    """`tool_call` with these options."""
    [compiled] = compile_checks([Check("tool_call", options=dict(options))])
    return compiled
