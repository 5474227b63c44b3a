"""What is said of two variants that were compared: verdict, intervals, cost, both answers to a case."""

from __future__ import annotations

from textual.content import Content

from app.tui.case_feed import key
from app.tui.texts import fit, visible
from app.tui.widgets.facts import MOST, left_out
from app.tui.widgets.spread import difference
from app.tui.word_diff import Stretches, differences
from app.words import counted
from store.records.comparing import ChangedCase, Comparison, Difference, Side
from store.records.evals import Cost

VERDICTS = {
    "better": ("▲ B is better", "$success"),
    "worse": ("▼ B is worse", "$error"),
    "same": ("= no difference worth the name", "$primary"),
    "too_small": ("? n too small to tell", "$warning"),
}
GATES = {"passed": ("✓ gate passed", "$success"), "failed": ("✗ gate failed", "$error"), "none": ("", "")}
SLICES = 5
NAME = 18
FIGURES = 34
BAR = (9, 41)  # odd, so that 0 has a cell of its own in the middle


def head(found: Comparison, width: int, slices: int = SLICES, blessed: str = "") -> Content:
    """The verdict; how large and how sure, drawn; the `slices` that moved most; what must be read with it.

    `blessed` is the suite's baseline, as app.tui.case_feed.key names a side.
    """
    one = found.overall
    words, shade = VERDICTS[one.verdict]
    gate, gate_shade = GATES[found.gate.verdict]
    lines = [
        Content.assemble((words, f"bold {shade}"), (f"   {gate}" if gate else "", gate_shade)),
        Content.assemble(
            *_side("A", found.side_a, one.a, blessed),
            "   ",
            *_side("B", found.side_b, one.b, blessed),
            (f"   {counted(one.n, 'common case')}", "$quiet"),
        ),
    ]
    moved = sorted(found.slices.items(), key=lambda item: -abs(item[1].diff))[:slices]
    most = max(abs(end) for _, part in (("", one), *moved) for end in part.ci95) or 1.0
    lines += [interval(name, part, width, most) for name, part in (("all", one), *moved)]
    if (cost := prices(found.side_a.cost, found.side_b.cost)) is not None:
        lines.append(cost)
    lines += [Content.assemble(("▲ ", "$warning"), visible(notice)) for notice in found.notices]
    lines += [Content.assemble(("✗ ", "$error"), visible(reason)) for reason in found.gate.reasons]
    return Content("\n").join(lines)


def _side(letter: str, side: Side, value: float, blessed: str) -> list[tuple[str, str]]:
    told = " ◆ blessed" if key(side) == blessed else ""
    return [(f"{letter} ", "bold $accent"), (f"{visible(side.variant)} {value:.1%}", ""), (told, "$success")]


def interval(name: str, part: Difference, width: int, most: float) -> Content:
    """`critical  ·······│·├──●──┤   +9.8 (+3.1 to +16.5)  p .004`, in percentage points."""
    low, high = (100 * end for end in part.ci95)
    room = max(BAR[0], min(BAR[1], width - NAME - FIGURES))
    room -= 1 - room % 2
    figures = f" {100 * part.diff:>+6.1f} ({low:+.1f} to {high:+.1f})  {p_words(part)}"
    return Content.assemble(
        (fit(name, NAME - 2), "$quiet"),
        (VERDICTS[part.verdict][0][:2], VERDICTS[part.verdict][1]),
        *difference(part.diff, part.ci95, room, VERDICTS[part.verdict][1], most),
        (figures, ""),
    )


def p_words(part: Difference) -> str:
    """`p .004`, after correction over slices where there was one; never a plain 0."""
    p = part.p if part.holm is None else part.holm
    return "p <.001" if p < 0.001 else f"p {p:.3f}".replace("0.", ".", 1)


def prices(a: Cost | None, b: Cost | None) -> Content | None:
    """`an answer took 344 > 276 ms, 7 > 8 tokens`; None where it was not measured."""
    if a is None or b is None:
        return None
    parts = [
        f"{a.latency_ms:,.0f} > {b.latency_ms:,.0f} ms",
        f"{a.prompt_tokens + a.completion_tokens:,.0f} > {b.prompt_tokens + b.completion_tokens:,.0f} tokens",
    ]
    if a.joules is not None and b.joules is not None:
        parts.append(f"{a.joules:,.1f} > {b.joules:,.1f} J")
    return Content.styled(f"an answer took, A > B: {', '.join(parts)}", "$quiet")


def answers(case: ChangedCase, fixed: bool, names: tuple[str, str]) -> tuple[Content, Content]:
    """Both answers below their variants' names; words that the other has not are underlined."""
    a, b = differences(case.a_output[:MOST], case.b_output[:MOST])
    return (
        _answer("A", names[0], a, not fixed) + _rest(case.a_output),
        _answer("B", names[1], b, fixed) + _rest(case.b_output),
    )


def _answer(letter: str, variant: str, text: Stretches, passed: bool) -> Content:
    sign, shade = ("✓", "$success") if passed else ("✗", "$error")
    head = Content.assemble((f"{letter} ", "bold $accent"), (f"{visible(variant)} ", "$quiet"), (sign, shade))
    words = [(_shown(part), f"bold underline {shade}" if other else "") for part, other in text]
    return Content.assemble(head, "\n", *(words or [("(nothing)", "$quiet")]))


def _rest(text: str) -> Content:
    return Content.styled(left_out(len(text) - MOST), "$quiet")


def _shown(text: str) -> str:
    return "\n".join(visible(line) for line in text.split("\n"))
