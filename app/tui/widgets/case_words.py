"""What is said of one case of a run: asked, expected, answered, judged, where it came from, what it took."""

from __future__ import annotations

import math
from collections.abc import Sequence

from textual.content import Content

from app.tui.texts import fit, visible
from app.tui.widgets.facts import Fact, text
from store.records.evals import CaseResult, CheckResult, ChoiceScore, Origin

CHECK = 16  # cells of a check's name
CHOICES = 6
"""The likeliest choices that are shown."""


def mark(case: CaseResult) -> tuple[str, str]:
    """Passed, failed, or not judged."""
    if not case.judged:
        return ("? ", "$warning")
    return ("✓ ", "$success") if case.passed else ("✗ ", "$error")


def about(case: CaseResult, origin: Origin | None) -> list[Fact]:
    """Question, what was expected, the answer, each check, sources, cost."""
    facts: list[Fact] = [("asked", text(case.input))]
    if case.expected is not None:
        facts.append(("expected", text(case.expected)))
    facts.append(("answered", text(case.error or case.output, "$error" if case.error else "")))
    if case.choices:
        facts.append(("chosen from", _choices(case.choices)))
    facts += [("called", text(f"{call.name} {call.arguments}")) for call in case.tool_calls]
    facts += [(_judged(check), _why(check)) for check in case.checks]
    if case.hits:
        facts.append(("sources", text(", ".join(dict.fromkeys(hit.doc for hit in case.hits)))))
    if origin is not None and (told := came_from(origin)):
        facts.append(("came from", Content.styled(visible(told), "$primary")))
    cost = f"{case.latency_ms:,.0f} ms, {case.prompt_tokens} + {case.completion_tokens} tokens"
    cost += ", from an earlier run" if case.cached else ""
    return [*facts, ("id", Content.styled(f"{visible(case.case)}   {cost}", "$quiet"))]


def came_from(origin: Origin) -> str:
    """`a failure of tuned: case c12 of evaluate-…`."""
    if origin.kind == "failure":
        return f"a failure of {origin.variant}: case {origin.case} of {origin.run}"
    if origin.trace:
        return f"a served request: {origin.trace}"
    where = f"{origin.source}:{origin.line}" if origin.line else origin.source
    return " ".join(part for part in (origin.kind.replace("_", " "), where or origin.case) if part)


def _choices(choices: Sequence[ChoiceScore]) -> Content:
    """What there was to choose from, the likeliest first, each with its share of the probability of all."""
    most = max(one.logprob for one in choices)
    weights = [math.exp(one.logprob - most) for one in choices]
    ranked = sorted(zip(choices, weights, strict=True), key=lambda one: -one[1])
    shown = [f"{visible(one.text)} {weight / sum(weights):.0%}" for one, weight in ranked[:CHOICES]]
    more = f"   and {len(choices) - CHOICES} more" if len(choices) > CHOICES else ""
    return text("   ".join(shown) + more)


def _judged(check: CheckResult) -> Content:
    sign = ("? ", "$warning") if check.error else ("✓ ", "$success") if check.passed else ("✗ ", "$error")
    return Content.assemble(sign, fit(check.kind, CHECK), (f" {check.score:.2f}  ", "$quiet"))


def _why(check: CheckResult) -> Content:
    told = check.error or check.detail
    return text(told) if told else Content("")
