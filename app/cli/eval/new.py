"""`temper eval new`: a suite with starting checks, from a dataset or from a CSV of failures."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.output import json_option, print_json, say
from store.errors import UsageError
from store.workspace import open_workspace

if TYPE_CHECKING:
    from engine.evals.starting.making import Made


@click.command()
@click.argument("suite")
@click.option("--from", "source", required=True, help="A dataset (chats/heldout) or a table of failures.")
@click.option("--map", "maps", multiple=True, metavar="PART=COLUMN", help="What a CSV's columns are.")
@click.option("--encoding", default="", help="Of a CSV that is not UTF-8, often cp1252.")
@click.option("--no-header", is_flag=True, help="The CSV's first line is a row; its columns are 1, 2, 3.")
@click.option("--limit", type=click.IntRange(min=1), help="At most this many cases, evenly spread.")
@click.option(
    "--paraphrase", type=click.IntRange(1, 8), help="Besides, this many other wordings of each case."
)
@click.option("--out-of-scope", is_flag=True, help="Besides, questions that should be declined.")
@click.option("--force", is_flag=True, help="Write over a suite that is there.")
@json_option
def new(
    suite: str,
    source: str,
    maps: tuple[str, ...],
    encoding: str,
    no_header: bool,
    limit: int | None,
    paraphrase: int | None,
    out_of_scope: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Write evals/SUITE.yaml: cases from --from, and checks that fit their answers.

    Labels are compared, JSON is held against a schema and by its fields, tool calls by their parts, numbers
    as numbers; free text by meaning and by what it cites, and by a judge where temper.toml names one.
    """
    from engine.evals.starting.assembling import Wishes
    from engine.evals.starting.making import make

    wishes = Wishes(paraphrases=paraphrase or 0, out_of_scope=out_of_scope)
    made = make(
        open_workspace(),
        suite,
        source,
        _parts(maps),
        limit,
        wishes,
        force,
        Path.cwd(),
        encoding=encoding,
        header=not no_header,
    )
    print_json(made) if as_json else _say(made)


def _say(made: Made) -> None:
    kinds = ", ".join(f"{count} {kind}" for kind, count in made.kinds.items())
    cases = "1 case" if made.cases == 1 else f"{made.cases} cases"
    click.echo(f"{made.path}: {cases} (answers: {kinds}), checks {', '.join(made.checks)}")
    if made.judge:
        say(f"{made.judge} judges. See what it is worth: `judge: {{labelled: FILE}}` in the suite.")
    for note in made.notes:
        say(note)
    say(f"Run it: temper eval {shlex.quote(made.path)}")


def _parts(maps: tuple[str, ...]) -> dict[str, str]:
    from engine.evals.starting.columns import NAMES

    found = {}
    for one in maps:
        part, equals, column = one.partition("=")
        if not equals or part not in NAMES:
            raise UsageError(
                "A column map cannot be read", f"Got {one!r}.", f"PART is one of {', '.join(NAMES)}."
            )
        found[part] = column
    return found
