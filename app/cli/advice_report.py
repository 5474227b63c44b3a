"""How advice reads on a terminal: the verdict first, the table, then what else there is to say."""

from __future__ import annotations

import math
import shutil
import sys

import click

from app.cli.output import print_table, say
from app.words import span
from store.records.advice import Advice, Measured

BOTTLENECKS = {
    "none": "none found",
    "cases": "too few cases",
    "labels": "the labels",
    "base": "the base model",
    "behaviour": "behaviour",
    "format": "the form of the answers",
    "knowledge": "knowledge",
    "retrieval": "the search",
}
HEADS = ("approach", "n", "right", "95%", "ms", "tokens", "per 1,000", "training", "confidence")
WIDEST = 110


def show(run_id: str, advice: Advice) -> None:
    """The verdict, the table, and every sentence behind them."""
    paragraph(advice.headline, bold=True)
    click.echo(f"Bottleneck: {BOTTLENECKS[advice.binding]}. Verdict: {advice.verdict.replace('_', ' ')}.\n")
    shown = [place for place, name in enumerate(HEADS) if place not in left_out(advice)]
    print_table(
        [HEADS[place] for place in shown],
        [[cells(line)[place] for place in shown] for line in advice.ranking],
        right=[at for at, place in enumerate(shown) if 0 < place < len(HEADS) - 1],
    )
    for title, lines in (
        ("Upkeep", [f"{named(line)}: {line.upkeep}" for line in advice.ranking if line.upkeep]),
        ("Also", advice.says),
        ("Evidence that is missing", advice.missing),
        ("More than an adapter", advice.further),
        ("Costs", cost_lines(advice)),
    ):
        if lines:
            click.echo(f"\n{title}")
            for line in lines:
                paragraph(line, "  - ", "    ")
    for line in run_lines(run_id, advice):
        say(line)


def left_out(advice: Advice) -> set[int]:
    """Columns that say nothing: money without prices, training without an adapter."""
    empty = set()
    if all(line.cost is None for line in advice.ranking):
        empty.add(HEADS.index("per 1,000"))
    if all(line.training_seconds is None for line in advice.ranking):
        empty.add(HEADS.index("training"))
    return empty


def cells(line: Measured) -> tuple[object, ...]:
    """One approach as a line of the table."""
    return (
        named(line),
        line.n,
        f"{line.score:.1%}",
        f"{100 * line.ci95[0]:.0f}-{line.ci95[1]:.0%}",
        f"{line.latency_ms:,.0f}",
        f"{line.tokens:,.0f}",
        "-" if line.cost is None else money(line.cost),
        "-" if line.training_seconds is None else span(line.training_seconds),
        line.confidence,
    )


def named(line: Measured) -> str:
    """The approach as people write it."""
    return line.approach.replace("_", "-")


def cost_lines(advice: Advice) -> list[str]:
    """The cost sheet in sentences."""
    costs, lines = advice.costs, []
    currency = f" {costs.currency}".rstrip()
    against = f"of {costs.against}" if costs.against else "of a hosted model that reads and writes as much"
    if costs.local is not None:
        lines.append(f"a thousand answers here ({costs.approach}): {money(costs.local)}{currency}")
    if costs.hosted is not None:
        lines.append(f"a thousand answers {against}: {money(costs.hosted)}{currency}")
    if costs.training is not None:
        lines.append(f"training once: {money(costs.training)}{currency}{noted(advice)}")
    if costs.break_even is not None:
        lines.append(f"training pays from {costs.break_even:,.0f} answers on")
    elif costs.local is not None and costs.hosted is not None and costs.local >= costs.hosted:
        name = costs.against or "the hosted model"
        lines.append(f"{name} is cheaper per answer: training never pays by cost alone")
    if costs.watts is not None and costs.local is not None:
        source = "as the GPU counted it" if costs.watts_from == "measured" else "as temper.toml says"
        lines.append(f"power: {costs.watts:,.0f} W, {source}")
    if costs.missing:
        lines.append(f"to reckon with money, add to temper.toml: [prices] {', '.join(costs.missing)}")
    return lines


def money(amount: float) -> str:
    """An amount with two decimals, or as many as two digits of it take: `1,204.50`, `0.024`, `0.000093`."""
    places = 1 - math.floor(math.log10(amount)) if 0 < amount < 1 else 2
    return f"{amount:,.{max(2, places)}f}"


def noted(advice: Advice) -> str:
    """Where the seconds of training are from, in brackets."""
    notes = {line.training_note for line in advice.ranking if line.training_note}
    return f" ({', '.join(sorted(notes))})" if notes else ""


def run_lines(run_id: str, advice: Advice) -> list[str]:
    """What the figures are from, and what they are."""
    runs = dict.fromkeys(line.run_id or run_id for line in advice.ranking)
    trained = dict.fromkeys(line.training_run for line in advice.ranking if line.training_run)
    return [
        "",
        *(f"Every figure is from {run}: temper runs show {run}" for run in runs),
        *(f"The time of training is from {run}: temper runs show {run}" for run in trained),
        "ms: an answer among others that are computed at once. This is advice; nothing is blocked.",
    ]


def paragraph(text: str, first: str = "", further: str = "", bold: bool = False) -> None:
    """Words that are broken at the terminal's edge; in a file or a pipe each stays one line."""
    if sys.stdout.isatty():
        width = min(WIDEST, shutil.get_terminal_size().columns)
        text = click.wrap_text(text, width, first, further)
    else:
        text = first + text
    click.echo(click.style(text, bold=True) if bold else text)
