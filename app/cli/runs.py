"""`temper runs`: list, show, attach and stop. All that is shown is derived from the run folders."""

from __future__ import annotations

import time
from typing import Any

import click
import msgspec

from app.cli import watch
from app.cli.output import json_option, print_facts, print_json, print_table, say
from app.words import size, span
from store import clock
from store import runs as folders
from store.errors import ExitCode
from store.records.exports import ExportResult
from store.records.runs import ENDED, RunView, State
from store.runs import RunFolder, RunTracker
from store.workspace import open_workspace

COLOURS: dict[State, str] = {
    "starting": "yellow",
    "waiting": "yellow",
    "running": "cyan",
    "finished": "green",
    "failed": "red",
    "cancelled": "bright_black",
    "died": "red",
}
POLL_SECONDS = 0.1
PATIENCE_SECONDS = 10.0


@click.group()
def runs() -> None:
    """List, show, watch and stop runs."""


@runs.command("list")
@click.option("-n", "count", default=20, type=click.IntRange(min=1), help="How many, newest first.")
@click.option("--all", "everything", is_flag=True, help="All of them.")
@json_option
def list_(count: int, everything: bool, as_json: bool) -> None:
    """The runs of this workspace, newest first."""
    found = folders.list_folders(open_workspace().paths.runs)
    views = [folders.view(folder) for folder in (found if everything else found[:count])]
    if as_json:
        print_json([summary(view) for view in views])
        return
    if not views:
        say("No runs yet. Start one with: temper train RECIPE")
        return
    print_table(
        ("run", "kind", "state", "started", "took", "what"),
        [
            (view.run_id, view.kind, coloured(view.state), local(view.started), took(view), view.title)
            for view in views
        ],
        right=(4,),
    )
    if len(found) > len(views):
        say(f"{len(found) - len(views)} older ones: temper runs list --all")


@runs.command()
@click.argument("run", default="last")
@json_option
def show(run: str, as_json: bool) -> None:
    """All there is to say of RUN (an id, a unique prefix, or `last`)."""
    folder = find(run)
    view = folders.view(folder)
    if as_json:
        print_json(details(folder, view))
    else:
        print_run(folder, view)


@runs.command()
@click.argument("run", default="last")
def attach(run: str) -> None:
    """Watch RUN to its end; of one that has ended, print the end. Ctrl-C stops the watching only."""
    folder = find(run)
    view = watch.watch(folder)
    print_end(folder, view)


@runs.command()
@click.argument("run", default="last")
@click.option("--no-wait", is_flag=True, help="Ask and return.")
def stop(run: str, no_wait: bool) -> None:
    """Ask RUN to stop at its next step with its work saved, and wait until it has."""
    folder = find(run)
    view = folders.view(folder)
    if view.state in ENDED:
        say(f"{view.run_id} has ended already: it {was(view.state)}.")
        return
    folder.request_stop()
    if no_wait:
        say(f"{view.run_id} stops at its next step. See: temper runs show {view.run_id}")
        return
    print_stopped(await_end(folder))


def find(reference: str) -> RunFolder:
    """The folder of the run that the user names."""
    return folders.find(open_workspace().paths.runs, reference)


def await_end(folder: RunFolder) -> RunView:
    """The run's last view. Says once that it takes a while; Ctrl-C leaves the request standing."""
    tracker = RunTracker(folder)
    begin, told = time.monotonic(), False
    try:
        while (view := tracker.refresh()).state not in ENDED:
            if not told and time.monotonic() - begin > PATIENCE_SECONDS:
                told = True
                say(f"{folder.run_id} is still at its step; it stops when that is done.")
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        say(f"No longer waiting; {folder.run_id} still stops at its next step.")
        raise click.exceptions.Exit(ExitCode.INTERRUPTED) from None
    return view


def print_stopped(view: RunView) -> None:
    """How a run that was asked to stop has ended, and what is kept of it."""
    if view.state == "cancelled":
        say(f"{view.run_id} has stopped.")
    else:
        say(f"{view.run_id} {was(view.state)} before it could stop.")
    for artifact in view.artifacts:
        click.echo(f"kept  {artifact.type}  .temper/runs/{view.run_id}/{artifact.path}")
    if not view.artifacts:
        say("It had nothing to keep yet.")


def was(state: State) -> str:
    """`finished`, `failed`, `died`, `was stopped`."""
    return "was stopped" if state == "cancelled" else state


def summary(view: RunView) -> dict[str, Any]:
    """The stable fields of a run in `--json`. To a program, a run that starts is one that waits."""
    return {
        "run_id": view.run_id,
        "kind": view.kind,
        "state": "waiting" if view.state == "starting" else view.state,
        "title": view.title,
        "created": view.created,
        "started": view.started,
        "ended": view.ended,
        "error": view.error,
    }


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
        ]
    )
    for artifact in view.artifacts:
        click.echo(f"{artifact.type}  {artifact.path}  {size(artifact.bytes)}")
    print_trouble(folder, view)
    if view.state not in ENDED:
        say(f"Watch it: temper runs attach {view.run_id}\nStop it:  temper runs stop {view.run_id}")


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
        click.echo(click.style(f"  Run it again: {again}" if again else "  Run it again.", fg="yellow"))
    if view.state in ("failed", "died"):
        tail = folder.log_tail() or "(empty)"
        click.echo(click.style(f"The end of {folder.log.name}", bold=True))
        click.echo("  " + tail.replace("\n", "\n  "))


def print_end(folder: RunFolder, view: RunView) -> None:
    """What a finished run gave, as the command that started it would have printed it."""
    if view.kind == "train":
        from app.cli.train import print_trained

        print_trained(view)
    elif view.kind == "evaluate":
        from app.cli.eval import print_scores

        print_scores(view)
    elif view.kind == "export":
        from app.cli.export import print_result

        print_result(msgspec.convert(view.result, ExportResult))
    else:
        print_run(folder, view)


def coloured(state: State) -> str:
    """A state in its colour; the word alone must do where there is none."""
    return click.style(state, fg=COLOURS[state])


def local(moment: str | None) -> str:
    """A time as the user's clock shows it."""
    return f"{clock.parse(moment).astimezone():%Y-%m-%d %H:%M:%S}" if moment else ""


def took(view: RunView) -> str:
    """How long a run has taken so far, or took."""
    if view.started is None:
        return ""
    end = clock.parse(view.ended) if view.ended else clock.now()
    return span((end - clock.parse(view.started)).total_seconds())
