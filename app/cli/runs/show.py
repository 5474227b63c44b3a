"""`temper runs show`: a run's page."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from app.cli.output import json_option, print_facts, print_json, say
from app.cli.runs import outcome
from app.cli.runs.words import coloured, find, local, summary, took
from app.words import size
from store import runs as folders
from store.records.runs import ENDED, RunView
from store.runs import RunFolder


@click.command()
@click.argument("run", default="last")
@click.option("--passport", is_flag=True, help="Its passport as JSON: what it was made from, and all hashes.")
@json_option
def show(run: str, passport: bool, as_json: bool) -> None:
    """All there is to say of RUN (an id, a unique prefix, or `last`)."""
    folder = find(run)
    view = folders.view(folder)
    if passport:
        from engine.jobs.passports import shown_passport
        from store.workspace import open_workspace

        click.echo(shown_passport(open_workspace(), folder, view))
    elif as_json:
        print_json(details(folder, view))
    else:
        print_run(folder, view)


def details(folder: RunFolder, view: RunView) -> dict[str, Any]:
    """What `runs show --json` prints."""
    return summary(view) | {
        "step": view.step,
        "total": view.total,
        "artifacts": view.artifacts,
        "result": view.result,
        "command": folder.spec().command,
        "folder": str(folder.path),
        "log_tail": view.log_tail,
        **outcome.paths(folder, view),
    }


def print_run(folder: RunFolder, view: RunView) -> None:
    """A run's page for people."""
    spec = folder.spec()
    print_facts(
        [
            ("run", view.run_id),
            ("what", view.title),
            ("state", coloured(view.state)),
            ("command", spec.command),
            ("started", local(view.started)),
            ("ended", local(view.ended)),
            ("took", took(view)),
            ("step", f"{view.step} of {view.total}" if view.total else ""),
            ("folder", folder.path),
            *outcome.facts(view),
            *outcome.read_facts(folder, view),
        ]
    )
    outcome.print_remarks(view)
    if view.kind == "export" and view.result.get("files"):
        print_export(view)
        return
    if view.kind == "advise" and view.result.get("advice"):
        print_advice(view)
        return
    for artifact in view.artifacts:
        click.echo(f"{artifact.type}  {artifact.path}  {size(artifact.bytes)}")
    print_trouble(folder, view)
    if view.state not in ENDED:
        say(f"Watch it: temper runs attach {view.run_id}\nStop it:  temper runs stop {view.run_id}")


def print_export(view: RunView) -> None:
    """What an export has made, as when it ended."""
    from app.cli.export import print_result
    from store.records.exports import ExportResult

    click.echo()
    print_result(msgspec.convert(view.result, ExportResult))


def print_advice(view: RunView) -> None:
    """What the advisor said, as when it ended."""
    from app.cli.advice_report import show as show_advice
    from store.records.advice import Advice

    click.echo()
    show_advice(view.run_id, msgspec.convert(view.result["advice"], Advice))


def print_trouble(folder: RunFolder, view: RunView) -> None:
    """Why a run failed or died, what to do, and the end of its log."""
    if view.error is not None:
        click.echo(click.style(view.error.title, fg="red", bold=True))
        click.echo(f"  {view.error.happened}".replace("\n", "\n  "))
        click.echo(click.style(f"  {view.error.remedy}".replace("\n", "\n  "), fg="yellow"))
    elif view.state == "died":
        click.echo(click.style("Its worker ended without a word", fg="red", bold=True))
        click.echo("  Killed, out of memory, or the machine went down. Finished files are intact.")
        again = folder.spec().command
        if not view.way_on:
            click.echo(click.style(f"  Run it again: {again}" if again else "  Run it again.", fg="yellow"))
    if view.way_on:
        click.echo(click.style(f"Go on where it was: {view.way_on}", fg="yellow"))
    if view.state in ("failed", "died"):
        tail = folder.log_tail() or "(empty)"
        click.echo(click.style(f"The end of {folder.log.name}", bold=True))
        click.echo("  " + tail.replace("\n", "\n  "))
