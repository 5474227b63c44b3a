"""How advice reads on a terminal: the verdict first, the table, then what else there is to say."""

from __future__ import annotations

import shutil
import sys

import click

from app.advice_words import BOTTLENECKS, cost_lines, money, named
from app.cli.output import print_table, say
from app.words import span
from store.records.advice import Advice, Measured

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
