"""The quantisation ladder as the command line prints it: a table, a chart, and the type to take."""

from __future__ import annotations

import math
from collections.abc import Sequence

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
BAR, FIGURE = 26, 10
"""Cells of a bar, and of the figure behind it."""
EIGHTHS = ("▏", "▎", "▍", "▌", "▋", "▊", "▉")


def print_ladder(ladder: Ladder, cases: bool) -> None:
    """All of it; with `cases` both answers to every case that turned."""
    print_table(COLUMNS, [row(rung, ladder.smallest) for rung in ladder.rungs], right=RIGHT)
    click.echo()
    for line in picture(ladder):
        click.echo(line)
    say("\nFlipped: suite cases that only the file or only the trained model passes. Answers: how many are")
    say("other than the most exact type's. Memory: the most that loading and answering took.")
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
    mark = click.style("<- smallest within tolerance", fg="green") if rung.type == smallest else rung.why_not
    if rung.fallbacks:
        mark = f"{mark} ({rung.fallbacks} tensors of another type)".lstrip()
    return (
        rung.type,
        fine_size(rung.bytes),
        f"{rung.load_seconds:.2f} s",
        rate(rung.tokens_per_second),
        size(rung.memory_bytes),
        "-" if rung.perplexity is None else f"{rung.perplexity:.4g}",
        "-" if rung.kl_mean is None else f"{rung.kl_mean:.2g}",
        "-" if rung.suite_score is None else f"{rung.suite_score:.1%}",
        flipped,
        f"{rung.changed} of {rung.answers}",
        ship.verdict(rung.verdict),
        mark,
    )


def picture(ladder: Ladder) -> list[str]:
    """A line per type: its size, and how far it is from the trained model on a logarithmic scale.

    Green is within tolerance, red is not.
    """
    largest = max(rung.bytes for rung in ladder.rungs)
    nats = [rung.kl_mean for rung in ladder.rungs if rung.kl_mean]
    name = max(len(rung.type) for rung in ladder.rungs)
    head = f"{'':<{name}}  {'size':<{BAR + FIGURE}}  nats from the trained model (logarithmic)"
    lines = [click.style(head, dim=True)]
    for rung in ladder.rungs:
        colour = "red" if rung.why_not else "green"
        across = bar(rung.bytes / largest, fine_size(rung.bytes), colour)
        up = "" if rung.kl_mean is None else bar(share(rung.kl_mean, nats), f"{rung.kl_mean:.2g}", colour)
        lines.append(f"{rung.type:<{name}}  {across}  {up}".rstrip())
    return lines


def bar(part: float, figure: str, colour: str) -> str:
    """A bar of at most BAR cells and its figure behind it, BAR + FIGURE cells in all."""
    eighths = round(part * BAR * 8)
    drawn = "█" * (eighths // 8) + ("", *EIGHTHS)[eighths % 8]
    space = " " * (BAR + FIGURE - len(drawn) - 1 - len(figure))
    return f"{click.style(drawn, fg=colour)} {figure}{space}"


def share(nats: float, all_of_them: Sequence[float]) -> float:
    """Where a divergence is between a tenth of the least and the most, by its logarithm."""
    if not nats:
        return 0.0
    low, high = math.log10(min(all_of_them)) - 1, math.log10(max(all_of_them))
    return (math.log10(nats) - low) / (high - low)


def fine_size(count: float) -> str:
    """Bytes with three digits, since neighbours on a ladder may be close: `1.42 MB`."""
    for unit, bytes_of_it in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= bytes_of_it:
            value = count / bytes_of_it
            return f"{value:.{max(0, 2 - int(math.log10(value)))}f} {unit}"
    return f"{count:.0f} B"


def print_choice(ladder: Ladder) -> None:
    """The type to take and by what rule; where none is, that."""
    if ladder.smallest:
        say(click.style(f"Take {ladder.smallest}", fg="green", bold=True) + f": {ladder.rule}.")
    else:
        most = ladder.rungs[0].type
        say(click.style("No type is within tolerance", fg="red", bold=True) + f" ({ladder.rule}).")
        say(f"The most exact one, {most}, is kept.")
