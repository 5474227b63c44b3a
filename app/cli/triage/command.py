"""`temper triage [RUN]`: failures in groups, each with a first guess and its evidence; and their labels."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from app.cli.demo import shorten
from app.cli.output import json_option, print_json, print_table, say
from app.words import counted
from store.errors import UsageError
from store.records.triage import FailureGroup, Triage
from store.workspace import Workspace, open_workspace


@click.command()
@click.argument("run", required=False)
@click.option("--variant", default="", help="Only the failures of this variant, or approach.")
@click.option(
    "--csv",
    "file",
    type=click.Path(path_type=Path),
    help="Complaints from production, as a table or JSON Lines.",
)
@click.option(
    "--map", "columns", multiple=True, metavar="PART=COLUMN", help="With --csv: comment=, input=, ..."
)
@click.option("--encoding", default="", help="With --csv: the file's encoding, where it is not UTF-8.")
@click.option(
    "--label", "named", multiple=True, metavar="N=CATEGORY", help="Decide on group N; may be repeated."
)
@click.option("--confirm", multiple=True, metavar="N|all", help="Group N is what it was guessed to be.")
@click.option("--note", default="", help="Kept with the decisions of this call.")
@click.option("--walk", is_flag=True, help="Go through the groups, one key each.")
@json_option
def triage(
    run: str | None,
    variant: str,
    file: Path | None,
    columns: tuple[str, ...],
    encoding: str,
    named: tuple[str, ...],
    confirm: tuple[str, ...],
    note: str,
    walk: bool,
    as_json: bool,
) -> None:
    """Name the failures of RUN (an eval or advise run; the newest eval when left out), or of a file."""
    if run and file:
        raise UsageError("A run or a file?", "Both were given.", "Leave one out.")
    workspace = open_workspace()
    again = partial(look, workspace, run, variant, file, pairs_of(columns), encoding)
    found = again()
    if named or confirm:
        say(f"{decide(workspace, found, named, confirm, note)} labels written to labels/category.jsonl.")
        found = again()
    elif walk:
        from app.cli.triage.walk import walk as go_through

        go_through(workspace, found, note)
        found = again()
    if as_json:
        print_json(report(found))
    else:
        show(found)


def look(
    workspace: Workspace,
    run: str | None,
    variant: str,
    file: Path | None,
    named: dict[str, str],
    encoding: str,
) -> Triage:
    """The failures as they stand now."""
    from engine.jobs import triaging

    if file:
        return triaging.of_file(workspace, file, named, encoding)
    return triaging.of_run(workspace, run, variant)


def pairs_of(columns: tuple[str, ...]) -> dict[str, str]:
    """PART=COLUMN, as they were typed. Raises UsageError."""
    pairs = {}
    for word in columns:
        part, equals, column = word.partition("=")
        if not equals:
            raise UsageError("A column needs a name", f"Got {word!r}.", "Write it as --map comment=COLUMN")
        pairs[part] = column
    return pairs


def decide(
    workspace: Workspace, found: Triage, named: tuple[str, ...], confirm: tuple[str, ...], note: str
) -> int:
    """Write what was decided; nothing is written where one of the words is wrong."""
    from engine.jobs import triaging

    pairs = []
    for word in named:
        number, equals, category = word.partition("=")
        if not equals:
            raise UsageError("A label needs a category", f"Got {word!r}.", "Write it as --label 3=retrieval")
        pairs.append((triaging.group_named(found, number), triaging.category_named(category)))
    groups = found.groups if "all" in confirm else [triaging.group_named(found, one) for one in confirm]
    made = sum(triaging.decide(workspace, [group], category, note) for group, category in pairs)
    taken = {group.number for group, _ in pairs}
    return made + triaging.decide(workspace, [one for one in groups if one.number not in taken], None, note)


def report(found: Triage) -> dict[str, Any]:
    """What `--json` prints."""
    from engine.jobs.triaging import examples

    return {
        "source": found.source,
        "failures": found.failures,
        "top": found.top,
        "named": found.named,
        "behavioural": found.behavioural,
        "ready": found.ready,
        "why_not": found.why_not,
        "columns": found.columns,
        "groups": [
            {
                "n": group.number,
                "id": group.id,
                "title": group.title,
                "category": group.category,
                "guess": group.guess,
                "decided": group.named,
                "count": group.count,
                "share": group.share,
                "cases": [one.case for one in group.members],
                "examples": [
                    {"case": one.case, "input": one.input, "output": one.output, "expected": one.expected}
                    for one in examples(group)
                ],
                "trend": group.trend,
                "action": group.action,
                "command": group.command,
                "note": group.note,
            }
            for group in found.groups
        ],
    }


def show(found: Triage) -> None:
    """The top list, the actions for it, and whether training may help."""
    from engine.evals.triage.board import TOP

    if not found.groups:
        click.echo(f"Nothing failed in {found.source}.")
        return
    top = found.groups[:TOP]
    print_table(
        ("", "category", "n", "share", "trend", "failure"),
        [
            (
                group.number,
                category_words(group),
                group.count,
                f"{group.share:.0%}",
                trend(group),
                group.title,
            )
            for group in top
        ],
        right=(0, 2, 3),
    )
    if len(found.groups) > TOP:
        say(f"and {counted(len(found.groups) - TOP, 'smaller group')}: --json lists them")
    click.echo()
    for group in top:
        click.echo(f"{group.number:>3}  {shorten(group.guess.evidence, 100)}")
        if group.note:
            click.echo(f"     note: {group.note}")
    click.echo()
    for action, command in dict.fromkeys((group.action, group.command) for group in top):
        click.echo(f"{action}" + (f"  ({command})" if command else ""))
    if found.columns:
        say("\nRead as " + ", ".join(f"{part}: {column}" for part, column in found.columns.items()))
    if top[0].trend:
        say(f"Trend over {', '.join(one.source for one in top[0].trend)}")
    failures, groups = counted(found.failures, "failure"), counted(len(found.groups), "group")
    say(f"\n{failures} of {found.source} in {groups}; `?` is a guess.")
    if found.ready:
        say(f"All of the top {found.top} are named, {found.behavioural:.0%} behavioural: training may help.")
    else:
        say(f"Not yet a case for training: {found.why_not}.")
    if found.named < found.top:
        say("Decide: --label N=CATEGORY, --confirm N|all, or one key each with --walk")


def category_words(group: FailureGroup) -> str:
    """The category; a guess has a question mark."""
    return group.category.replace("_", " ") + ("" if group.named else " ?")


def trend(group: FailureGroup) -> str:
    """Counts from run to run, oldest first: `9 > 4 > 4`."""
    return " > ".join(str(one.count) for one in group.trend)
