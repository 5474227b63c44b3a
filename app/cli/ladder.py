"""The quantisation ladder as the command line prints it: a table, a chart, and the type to take."""

from __future__ import annotations

import math
import shutil
import sys

import click

from app.cli import ship
from app.cli.output import print_table, say
from app.words import rate, size
from store.records.ladders import Ladder, Rung

COLUMNS = (
    *("type", "size", "load", "tokens/s", "memory", "perplexity", "nats", "suite", "flipped", "answers"),
    *("check", ""),
)
RIGHT = tuple(range(1, 10))
HEIGHT, WIDEST = 14, 100
LEAST_NATS = 1e-6
"""Where the chart's logarithmic axis ends: below it nothing is to be seen."""
MEGABYTE, GIGABYTE = 1e6, 1e9


def print_ladder(ladder: Ladder, cases: bool) -> None:
    """All of it; with `cases` both answers to every case that turned."""
    print_table(COLUMNS, [row(rung, ladder.smallest) for rung in ladder.rungs], right=RIGHT)
    if drawn := picture(ladder):
        click.echo(f"\n{drawn}\n")
    say("Flipped: suite cases that only the file or only the trained model passes. Answers: greedy ones that")
    say("are another than the most exact type's. Memory: the most that loading and answering took.")
    if cases:
        ship.print_answers([(rung.type, rung.flipped) for rung in ladder.rungs])
    else:
        for rung in ladder.rungs:
            if rung.flipped:
                say(f"{rung.type}: {ship.flipped_words(rung.flipped)}")
    print_choice(ladder)


def row(rung: Rung, smallest: str) -> tuple[str, ...]:
    """A type's figures under COLUMNS; a dash for what was not measured."""
    flipped = f"{len(rung.flipped)} of {rung.suite_cases}" if rung.suite_cases else "-"
    mark = click.style("<- smallest within tolerance", fg="green") if rung.type == smallest else ""
    return (
        rung.type,
        size(rung.bytes),
        f"{rung.load_seconds:.2f} s",
        rate(rung.tokens_per_second),
        size(rung.memory_bytes),
        "-" if rung.perplexity is None else f"{rung.perplexity:.4g}",
        "-" if rung.kl_mean is None else f"{rung.kl_mean:.2g}",
        "-" if rung.suite_score is None else f"{rung.suite_score:.1%}",
        flipped,
        f"{rung.changed} of {rung.answers}",
        ship.verdict(rung.verdict),
        mark or rung.why_not,
    )


def picture(ladder: Ladder) -> str:
    """Divergence from the trained model over size, logarithmic; empty where too little was measured.

    Green is within tolerance, red is not; without colours where nobody would see them.
    """
    shown = [(rung, rung.kl_mean) for rung in ladder.rungs if rung.kl_mean is not None]
    if len(shown) < 2:
        return ""
    import plotext

    unit = GIGABYTE if max(rung.bytes for rung, _ in shown) >= GIGABYTE else MEGABYTE
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plot_size(min(WIDEST, shutil.get_terminal_size().columns), HEIGHT)
    heights = []
    for rung, nats in shown:
        across, up = rung.bytes / unit, math.log10(max(nats, LEAST_NATS))
        colour = "red" if rung.why_not else "green"
        plotext.scatter([across], [up], color=colour, marker="●")
        plotext.text(f" {rung.type}", across, up, color=colour, alignment="left")
        heights.append(up)
    ticks = range(math.floor(min(heights)), math.ceil(max(heights)) + 1)
    plotext.yticks(list(ticks), [f"{10.0**tick:g}" for tick in ticks])
    widest = max(rung.bytes for rung, _ in shown) / unit
    plotext.xlim(0, widest * 1.15)  # room for the last one's name
    plotext.xlabel("GB" if unit == GIGABYTE else "MB")
    plotext.ylabel("nats per token from the trained model")
    drawn: str = plotext.build()
    return drawn if sys.stdout.isatty() else str(plotext.uncolorize(drawn))


def print_choice(ladder: Ladder) -> None:
    """The type to take and by what rule; where none is, that."""
    if ladder.smallest:
        say(click.style(f"Take {ladder.smallest}", fg="green", bold=True) + f": {ladder.rule}.")
    else:
        most = ladder.rungs[0].type
        say(click.style("No type is within tolerance", fg="red", bold=True) + f" ({ladder.rule}).")
        say(f"The most exact one, {most}, is kept.")
