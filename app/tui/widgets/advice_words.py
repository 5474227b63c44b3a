"""What is said of the advisor's conclusion: the verdict, a card for each approach, further sentences."""

from __future__ import annotations

from textual.content import Content

from app.advice_words import BOTTLENECKS, cost_lines, money, named
from app.tui.texts import fit, visible
from app.tui.widgets.facts import in_lines
from app.tui.widgets.spread import between, share
from app.tui.words import span
from store.records.advice import Advice, Measured

NAME = 12
FIGURES = 24
BAR = (10, 40)
BULLET = "  · "


def no_advice(suite: str) -> Content:
    """How to get some."""
    return Content.assemble(
        ("No advice yet\n", "bold"),
        ("Prompt, retrieval, an adapter, or another base? Press ", "$quiet"),
        ("r", "bold $accent"),
        (
            " to measure what there is. Where no adapter is trained yet, this trains a short one first:\n\n",
            "$quiet",
        ),
        (f"temper advise {visible(suite)}", "bold $primary"),
    )


def verdict(advice: Advice) -> Content:
    """The verdict in plain words first."""
    sign, shade = ("◔", "$warning") if advice.verdict == "not_yet" else ("✓", "$success")
    return Content.assemble(
        (f"{sign} {visible(advice.headline)}", "bold"),
        ("\nverdict ", "$quiet"),
        (advice.verdict.replace("_", " "), f"bold {shade}"),
        ("   bottleneck ", "$quiet"),
        (BOTTLENECKS[advice.binding], "$primary"),
    )


def card(line: Measured, place: int, best: bool, width: int) -> Content:
    """`1 adapter  ━━━━━├─●┤··  92.7%  85-97%   n 82`; what it takes and gains; what it asks for later."""
    shade = "$success" if best else "$primary"
    room = max(BAR[0], min(BAR[1], width - 2 - NAME - FIGURES))
    name = fit(named(line), NAME)
    first = Content.assemble(
        (f"{place} ", "bold $accent"),
        (name, "bold" if best else ""),
        *share(line.score, line.ci95, room, shade),
        (f"{line.score:>7.1%}", "bold"),
        (f" {between(line.ci95):<7}", ""),
        (f"  n {line.n:,}", "$quiet"),
    )
    takes = [Content.styled(visible(part), "$quiet") for part in _takes(line)]
    below = in_lines(takes, width - 2)
    if line.upkeep:
        below += Content.styled(visible(f"upkeep: {line.upkeep}"), "$quiet").wrap(max(8, width - 2))
    return Content("\n  ").join([first, *below])


def _takes(line: Measured) -> list[str]:
    parts = [f"{line.latency_ms:,.0f} ms", f"{line.tokens:,.0f} tokens"]
    if line.confidence:
        parts.append(f"confidence {line.confidence}")
    if line.training_seconds is not None:
        parts.append(f"{span(line.training_seconds)} of training")
    if line.cost is not None:
        parts.append(f"{money(line.cost)} per 1,000 answers")
    if line.gain is not None:
        low, high = (100 * end for end in line.gain.ci95)
        parts.append(f"{100 * line.gain.diff:+.1f} over bare ({low:+.1f} to {high:+.1f})")
    return parts


def says(advice: Advice, run_id: str, width: int) -> Content:
    """Further sentences, what evidence is missing, what would make more than an adapter worth it; money."""
    parts = []
    for title, lines in (
        ("Also", advice.says),
        ("Evidence that is missing", advice.missing),
        ("More than an adapter", advice.further),
        ("Costs", cost_lines(advice)),
    ):
        if lines:
            parts.append(Content.styled(title, "bold"))
            parts += [_bullet(line, width) for line in lines]
    runs = dict.fromkeys(line.run_id or run_id for line in advice.ranking)
    parts.append(Content.styled(f"Every figure is from {', '.join(runs)}. Nothing is blocked.", "$quiet"))
    return Content("\n").join(parts)


def _bullet(line: str, width: int) -> Content:
    """A sentence that goes on below itself."""
    lines = Content(visible(line)).wrap(max(8, width - len(BULLET)))
    return Content.styled(BULLET, "$accent") + Content("\n" + " " * len(BULLET)).join(lines)
