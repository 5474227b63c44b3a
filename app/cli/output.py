"""What commands print: JSON for programs, tables for people, on stdout; progress on stderr."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click
import msgspec

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """The `--json` flag of every command that lists or reports; arrives as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")(command)


def cpu_option(command: F) -> F:
    """The `--cpu` flag of every command that would take the GPU; its workers inherit what it sets."""

    def hide(context: click.Context, parameter: click.Parameter, chosen: bool) -> None:
        if chosen:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""

    words = "Leave the GPU alone (and its queue): work on the processor."
    return click.option("--cpu", is_flag=True, expose_value=False, callback=hide, help=words)(command)


def print_json(value: Any) -> None:
    """One JSON document on stdout; structs and dicts alike."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(headers: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[int] = ()) -> None:
    """Aligned columns; those in `right` are numbers. Cells may be styled. Plain enough for cut and grep."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max([width(head), *(width(row[i]) for row in cells)]) for i, head in enumerate(headers)]

    def line(values: Sequence[str]) -> str:
        padded = []
        for i, (value, most) in enumerate(zip(values, widths, strict=True)):
            space = " " * (most - width(value))
            padded.append(space + value if i in right else value + space)
        return "  ".join(padded).rstrip()

    click.echo(click.style(line(list(headers)), bold=True))
    for row in cells:
        click.echo(line(row))


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Names and values, a pair per line; what is empty is left out."""
    shown = [(name, str(value)) for name, value in facts if value not in (None, "")]
    column = max((len(name) for name, _ in shown), default=0) + 2
    for name, value in shown:
        click.echo(click.style(name.ljust(column), dim=True) + value.replace("\n", "\n" + " " * column))


def width(text: str) -> int:
    """Cells that `text` takes on a terminal, colours left out."""
    return len(click.unstyle(text))


def say(text: str) -> None:
    """A line for people, on stderr: stdout is data."""
    click.echo(text, err=True)
