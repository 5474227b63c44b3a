"""One answer against one check."""

from __future__ import annotations

from typing import Any

from engine.evals.checks import Bench, Reply, compile_checks
from store.records.evals import Case, Check, CheckResult


def judged(
    kind: str,
    answer: str | Reply,
    expected: str | None = None,
    *,
    bench: Bench | None = None,
    alternatives: list[str] | None = None,
    threshold: float | None = None,
    **options: Any,
) -> CheckResult:
    """What a check of this kind says of an answer."""
    [compiled] = compile_checks([Check(kind, threshold=threshold, options=options)], bench)
    if isinstance(answer, Reply):
        return compiled.judged(answer)
    return compiled.result(answer, Case("c1", "?", expected=expected, alternatives=alternatives or []))
