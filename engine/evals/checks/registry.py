"""Every kind of check there is, by name."""

from __future__ import annotations

import difflib
from types import ModuleType

from engine.evals.checks import (
    bleu,
    budgets,
    choice,
    citations,
    json_fields,
    json_schema,
    judge,
    matching,
    numeric,
    overlap,
    patterns,
    python,
    refusal,
    retrieval,
    rouge,
    similarity,
    sql,
    tool_call,
)
from engine.evals.checks.contract import Kind

MODULES: tuple[ModuleType, ...] = (
    matching,
    patterns,
    numeric,
    choice,
    json_schema,
    json_fields,
    overlap,
    rouge,
    bleu,
    similarity,
    tool_call,
    sql,
    refusal,
    citations,
    retrieval,
    budgets,
    judge,
    python,
)
KINDS: dict[str, Kind] = {kind.name: kind for module in MODULES for kind in module.KINDS}


def kind_of(name: str) -> Kind:
    """The kind of check called `name`. Raises ValueError with the nearest there is."""
    if name in KINDS:
        return KINDS[name]
    close = difflib.get_close_matches(str(name), KINDS, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else f"; known here: {', '.join(KINDS)}"
    raise ValueError(f"there is no check {name!r}{hint}")
