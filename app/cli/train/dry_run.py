"""`temper train --dry-run`: the recipe on stdout; figures and a bar of the memory on stderr."""

from __future__ import annotations

import shutil

import click

from app.cli.output import say
from app.words import size
from store.records.plan import Alternative, DryRun, MemoryEstimate

COLOURS = ("blue", "magenta", "yellow", "cyan", "green", "red", "white", "bright_black")
BLOCK, EMPTY, LINE = "\u2588", "\u2591", "\u2502"
WIDEST = 72


def print_dry_run(found: DryRun) -> None:
    """Everything but the recipe, for people."""
    say("")
    for name, value in facts(found):
        click.echo(click.style(name.ljust(12), dim=True) + value, err=True)
    say("")
    machine = found.plan.machine
    say(f"Memory on {machine.name}, estimated from the shape of the base; the first step measures it")
    for line in bar_lines(found.plan.estimate, min(WIDEST, shutil.get_terminal_size().columns - 2)):
        say(line)
    for line in [*found.plan.decisions, *map(alternative_line, found.plan.alternatives)]:
        say(f"  {line}")
    say(f"\nNothing was started. To start it:\n  {found.command}")


def facts(found: DryRun) -> list[tuple[str, str]]:
    """What the preflight found, a line each."""
    share = found.trained_tokens / max(1, found.total_tokens)
    disk = found.disk
    short = "" if disk.fits else ", which is not there"
    return [
        (
            "rows",
            f"{found.rows:,}, {found.total_tokens:,} tokens, "
            f"{found.trained_tokens:,} of them trained ({share:.0%})",
        ),
        ("steps", f"{found.steps:,} of {found.rows_per_step} rows: {found.epochs:g} times over all rows"),
        ("cut", lines_text(found.truncated, f"longer than {found.plan.recipe.max_length} tokens")),
        ("left out", lines_text(found.untrained, "without a token to train on")),
        ("data check", check_text(found)),
        (
            "disk",
            f"{size(disk.total_bytes)}{short}: {size(disk.result_bytes)} of weights, "
            f"{disk.checkpoints} checkpoints of {size(disk.checkpoint_bytes)}; "
            f"{size(disk.free_bytes)} are free",
        ),
        *quantisation_fact(found),
        *[("import", f"{name} was read and not kept; the run imports it") for name in found.not_imported],
    ]


def quantisation_fact(found: DryRun) -> list[tuple[str, str]]:
    """What 4 bits cost the base, for a run that trains on one in 4 bits."""
    from engine.training.quantisation import words

    recipe = found.plan.recipe
    if recipe.method != "qlora":
        return []
    if found.quantisation is not None:
        return [("4 bits", words(found.quantisation))]
    return [("4 bits", "cost not measured yet; the run measures it")] if recipe.measure_quantisation else []


def lines_text(lines: list[int], why: str, most: int = 10) -> str:
    """Rows by their lines for people; `none` without any."""
    if not lines:
        return "none"
    shown = ", ".join(map(str, lines[:most])) + (
        f" and {len(lines) - most} more" if len(lines) > most else ""
    )
    return f"{len(lines):,} rows {why}: lines {shown}"


def check_text(found: DryRun) -> str:
    """The verdict on the data, with what it warns of."""
    if not found.verdict:
        return "not made yet; the run makes it"
    return "; ".join([found.verdict, *found.findings])


def bar_lines(estimate: MemoryEstimate, width: int) -> list[str]:
    """A stacked bar of the parts against the free memory, and its legend. Words say all that colours do."""
    whole = max(estimate.total_bytes, estimate.free_bytes, 1)
    filled, drawn = 0.0, 0
    bar = ""
    for part, colour in zip(estimate.parts, COLOURS, strict=False):
        filled += part.bytes
        cells = round(filled / whole * width) - drawn
        bar += click.style(BLOCK * cells, fg=colour)
        drawn += cells
    bar += click.style(EMPTY * (width - drawn), dim=True)
    at = min(width, round(estimate.free_bytes / whole * width))
    free = f"{size(estimate.free_bytes)} free"
    marker = (
        " " * max(0, at - len(free) - 1) + free + " " + LINE
        if at > len(free)
        else " " * at + f"{LINE} {free}"
    )
    legend = [
        f"{click.style(BLOCK, fg=colour)} {part.name:<14}{size(part.bytes):>9}  {part.note}".rstrip()
        for part, colour in zip(estimate.parts, COLOURS, strict=False)
    ]
    verdict = (
        click.style("fits", fg="green") if estimate.fits else click.style("does not fit", fg="red", bold=True)
    )
    total = f"  {'together':<14}{size(estimate.total_bytes):>9}  {verdict}"
    return [f"  {marker}", f"  {bar}", *(f"  {line}" for line in legend), f"  {total}"]


def alternative_line(one: Alternative) -> str:
    """What would fit instead, as the option that asks for it."""
    options = " ".join(f"--set {key}={value}" for key, value in one.changes.items())
    fits = click.style("would fit", fg="green") if one.fits else click.style("would still not fit", fg="red")
    return f"{fits} with {options}: {size(one.total_bytes)} ({one.words})"
