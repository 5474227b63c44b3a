"""`temper runs stop`: ask a run to stop, and wait until it has."""

from __future__ import annotations

import time

import click

from app.cli.output import say
from app.cli.runs.words import find, was
from store import runs as folders
from store.errors import ExitCode
from store.records.runs import ENDED, RunView
from store.runs import RunFolder, RunTracker

POLL_SECONDS = 0.1
PATIENCE_SECONDS = 10.0


@click.command()
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
