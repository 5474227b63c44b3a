"""Gates: whether a comparison satisfies the rules of `[gates.SUITE]`.

The estimate is held to `min_diff`, not its interval, unless the gate says `certain`: a gate has to say yes
or no on every change, and how sure that is stands beside it. What could not be judged proves nothing, so in a
protected slice it does not pass. Knows nothing of runs and exit codes.
"""

from __future__ import annotations

from engine.evals.comparison.pairing import some
from store.records.comparing import Comparison, Difference, GateOutcome
from store.records.workspace import Gate

ROUNDING = 1e-9
"""Means that are equal as fractions may differ in their last bits."""


def judge(found: Comparison, gate: Gate) -> GateOutcome:
    """Every rule that is broken, with its figures."""
    reasons = _least("overall", found.overall, gate.min_diff, gate.certain)
    for name, least in gate.slices.items():
        if name in found.slices:
            reasons += _least(f"slice {name}", found.slices[name], least, gate.certain)
        else:
            reasons.append(f"slice {name}: no common case is in it, so nothing shows that it holds")
    for name in gate.protected:
        broken = [one.case for one in found.broken if name in one.slices]
        if broken:
            reasons.append(f"slice {name}: newly broken: {some(broken)}")
        unproven = [case for case, slices in found.unproven.items() if name in slices]
        if unproven:
            reasons.append(f"slice {name}: no check could judge the candidate on {some(unproven)}")
    return GateOutcome("failed" if reasons else "passed", reasons)


def _least(where: str, found: Difference, least: float, certain: bool) -> list[str]:
    value = found.ci95[0] if certain else found.diff
    if value >= least - ROUNDING:
        return []
    what = "the low end of the interval" if certain else "the difference"
    return [f"{where}: {what} is {value:+.3f}, at least {least:+.3f} is asked for ({found.n} cases)"]
