"""Rules about the reference: wrong where a judge and two witnesses say so; agreement alone is a remark.

Variants of one base make the same mistakes, so what they agree on is no proof against a label.
"""

from __future__ import annotations

from engine.evals.triage.seen import Seen, failed_checks, kind_of
from engine.evals.triage.texts import normal, short
from store.records.evals import CaseResult
from store.records.triage import Guess

JUDGES = ("judge", "judge_pairwise")
AGREEING = 2
"""So many witnesses must give the same answer before the reference is doubted."""
DOUBTFUL = "doubtful_reference"


def doubtful_reference(result: CaseResult, seen: Seen) -> Guess | None:
    """The judge finds the answer right and two witnesses give it: the reference may be wrong."""
    judges = [check for check in result.checks if check.by or kind_of(check) in JUDGES]
    against = [check for check in failed_checks(result) if check not in judges]
    if not against or result.expected is None or not judges or not all(check.passed for check in judges):
        return None
    mine = normal(result.output)
    agreeing = witnesses([result, *seen.others], mine)
    if not mine or len(agreeing) < AGREEING or mine == normal(result.expected):
        return None
    by = judges[0].by or judges[0].kind
    return Guess(
        "label_noise",
        DOUBTFUL,
        f"{by} finds the answer right, {', '.join(agreeing)} agree on it; "
        f"expected is {short(result.expected)}",
    )


def agreed_against(result: CaseResult, seen: Seen) -> str:
    """What is told where witnesses that are mostly right agree against the reference, and none gives it."""
    mine, wanted = normal(result.output), normal(result.expected or "")
    if not mine or not wanted or result.variant not in seen.trusted:
        return ""
    if any(normal(one.output) == wanted for one in seen.others):
        return ""
    agreeing = witnesses([one for one in (result, *seen.others) if one.variant in seen.trusted], mine)
    if len(agreeing) < AGREEING:
        return ""
    said = ", ".join(f"{name} ({seen.trusted[name]:.0%} right)" for name in agreeing)
    return f"{said} agree on {short(result.output)}: no judge was asked, look at the reference"


def witnesses(results: list[CaseResult], answer: str) -> list[str]:
    """Who gives this answer, by name; those of one hash are one witness."""
    found = {one.variant_hash or one.variant: one.variant for one in results if normal(one.output) == answer}
    return sorted(found.values())
