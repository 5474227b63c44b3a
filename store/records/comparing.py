"""Two variants on the same cases: what became right, what became wrong, and how sure the difference is.

`a` is the baseline, `b` the candidate; every difference is b less a. How these are judged is said in
engine.evals.comparison.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from store.records.evals import CheckResult, Cost

Verdict = Literal["better", "worse", "same", "too_small"]
GateVerdict = Literal["passed", "failed", "none"]


class Side(msgspec.Struct, omit_defaults=True):
    """One of the two: the variant, and the eval run that its results are from."""

    variant: str
    run_id: str = ""
    variant_hash: str = ""
    quant: str = ""
    cost: Cost | None = None


class ChangedCase(msgspec.Struct, omit_defaults=True):
    """A case that only one of the two passes. `checks` are those of the side that fails."""

    case: str
    input: str
    expected: str | None
    a_output: str
    b_output: str
    checks: list[CheckResult] = []
    slices: list[str] = []


class Difference(msgspec.Struct, omit_defaults=True):
    """A difference of two means over `n` cases with its 95% interval and its p-value.

    `holm` is the p-value corrected for all slices; None where there is nothing to correct for.
    """

    n: int
    a: float
    b: float
    diff: float
    ci95: tuple[float, float]
    p: float
    fixed: int
    broken: int
    verdict: Verdict
    holm: float | None = None


class GateOutcome(msgspec.Struct):
    """What a gate says, and each of its rules that was broken."""

    verdict: GateVerdict = "none"
    reasons: list[str] = []


class Comparison(msgspec.Struct):
    """All that is said of two variants on a suite. `scores` compares the graded scores, where there are any.

    `notices` must be read with the figures: cases that only one side has, other quantisations. `unproven` are
    the cases that no check could judge of the candidate, with their slices: they are in no figure.
    """

    suite: str
    side_a: Side
    side_b: Side
    overall: Difference
    fixed: list[ChangedCase]
    broken: list[ChangedCase]
    scores: Difference | None = None
    slices: dict[str, Difference] = {}
    notices: list[str] = []
    unproven: dict[str, list[str]] = {}
    gate: GateOutcome = msgspec.field(default_factory=GateOutcome)
