"""A comparison as Markdown, fit to be a comment on a pull request: verdict first, then the cases.

Knows nothing of where it is shown.
"""

from __future__ import annotations

import re

from engine.evals.stats.power import detectable
from store.records.comparing import ChangedCase, Comparison, Difference
from store.records.evals import CheckResult, Cost

MOST_CASES = 20
LETTERS, LETTERS_OF_NOTICE = 80, 400
VERDICTS = {
    "better": "B is better",
    "worse": "B is worse",
    "same": "no difference worth the name",
    "too_small": "n too small to tell",
}


def markdown(found: Comparison) -> str:
    """The summary; a few dozen lines whatever the number of cases."""
    one = found.overall
    lines = [
        f"### {_line(found.suite)}: {VERDICTS[one.verdict]}" + _gate_words(found),
        "",
        f"A = {_code(found.side_a.variant)} ({found.side_a.run_id}), "
        f"B = {_code(found.side_b.variant)} ({found.side_b.run_id}), {one.n} common cases.",
        "",
        *(f"> **{_line(notice, LETTERS_OF_NOTICE)}**\n" for notice in found.notices),
        *([power_words(one), ""] if one.verdict == "too_small" else []),
        *(f"- gate: {_line(reason, LETTERS_OF_NOTICE)}" for reason in found.gate.reasons),
        *_cases("Broken", found.broken),
        *_cases("Fixed", found.fixed),
        "",
        *_table(found),
        "",
        cost_words(found.side_a.cost, found.side_b.cost),
        *(["", f"p is corrected for {len(found.slices)} slices (Holm)."] if len(found.slices) > 1 else []),
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def cost_words(a: Cost | None, b: Cost | None) -> str:
    """What either side takes for an answer, in one line."""
    if a is None or b is None:
        return "Costs were not measured."
    energy = "energy not measured (no GPU counted it)"
    if a.joules is not None and b.joules is not None:
        energy = f"{a.joules:.1f} → {b.joules:.1f} J"
    return (
        f"An answer: {a.prompt_tokens:.0f} → {b.prompt_tokens:.0f} tokens read, "
        f"{a.completion_tokens:.0f} → {b.completion_tokens:.0f} written, "
        f"{a.latency_ms:.0f} → {b.latency_ms:.0f} ms, {energy}."
    )


def interval_words(one: Difference) -> str:
    """A difference in points with its interval: `+9.8 (+3.1 to +16.5)`."""
    return f"{100 * one.diff:+.1f} ({100 * one.ci95[0]:+.1f} to {100 * one.ci95[1]:+.1f})"


def power_words(one: Difference) -> str:
    """Why nothing can be told, and what would tell; "" where something can."""
    if one.verdict != "too_small":
        return ""
    least = detectable(one.n, one.fixed + one.broken)
    if least >= 1:
        return f"{one.n} cases cannot tell any difference from chance."
    return (
        f"So many cases ({one.n}, of which {one.fixed + one.broken} changed sides) show a difference of "
        f"{100 * least:.0f} points or more in four of five tries."
    )


def p_words(p: float) -> str:
    """A p-value to three places; never 0."""
    return f"{p:.3f}" if p >= 0.0005 else "<0.001"


def _gate_words(found: Comparison) -> str:
    return {"passed": ", gate passed", "failed": ", **gate failed**", "none": ""}[found.gate.verdict]


def _cases(title: str, cases: list[ChangedCase]) -> list[str]:
    lines = ["", f"**{title}: {len(cases)}**", ""]
    for case in cases[:MOST_CASES]:
        lines.append(f"- {_code(case.case)}: {_code(case.input)}" + _why(case.checks))
    if len(cases) > MOST_CASES:
        lines.append(f"- and {len(cases) - MOST_CASES} more")
    return lines


def _why(failed: list[CheckResult]) -> str:
    """What the failing side failed, by its first check."""
    if not failed:
        return ""
    return f" ({_line(failed[0].kind)}" + (f": {_code(failed[0].detail)})" if failed[0].detail else ")")


def _table(found: Comparison) -> list[str]:
    rows = [("all", found.overall), *([("mean score", found.scores)] if found.scores else [])]
    rows += [(f"slice {_line(name)}", one) for name, one in found.slices.items()]
    lines = ["| | n | A | B | points (95%) | p | verdict |", "|---|---|---|---|---|---|---|"]
    for name, one in rows:
        p = one.p if one.holm is None else one.holm
        lines.append(
            f"| {name} | {one.n} | {one.a:.1%} | {one.b:.1%} | {interval_words(one)} | {p_words(p)} "
            f"| {VERDICTS[one.verdict]} |"
        )
    return lines


def _line(text: str, letters: int = LETTERS) -> str:
    """The beginning of a text on one line, without what Markdown would take for its own."""
    return _cut(text, letters).replace("|", "\\|").replace("`", "'").replace("<", "&lt;")


def _code(text: str) -> str:
    """The beginning of a text as code: a question that says @name or #12 calls nobody and links nothing."""
    shown = _cut(text, LETTERS).replace("`", "'")
    return f"`{shown or ' '}`"


def _cut(text: str, letters: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= letters else line[: letters - 1] + "…"
