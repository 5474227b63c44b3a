"""`temper runs reproduce`: train a run again from what it recorded, and compare the losses step by step.

An export is made again by its own module.
"""

from __future__ import annotations

import click

from app.cli import watch
from app.cli.output import cpu_option, json_option, print_facts, print_json, say
from app.cli.runs.reproduce_export import reproduce_export
from app.cli.runs.words import find
from store.errors import RefusedError
from store.records.comparison import Agreement, Verdict
from store.workspace import open_workspace

VERDICTS: dict[Verdict, str] = {
    "same": "the same run",
    "close": "close, not the same",
    "different": "another run",
}


@click.command()
@click.argument("run", default="last")
@click.option("--no-watch", is_flag=True, help="Start it and return.")
@cpu_option
@json_option
def reproduce(run: str, no_watch: bool, as_json: bool) -> None:
    """Train RUN again: the same recipe, data, base, template and seed, or a refusal that says what changed.

    Ends with code 5 when the losses are not those of RUN. An export is made again, and its files must be the
    same byte for byte.
    """
    from engine.jobs import launch, reproducing
    from engine.training.curves import agreement, curve_of
    from store.runs import read_events

    folder = find(run)
    workspace = open_workspace()
    if folder.spec().job == "export":
        reproduce_export(workspace, folder, no_watch, as_json)
        return
    again = reproducing.prepare(workspace, folder)
    for note in again.notes:
        say(f"Other than then: {note}.")
    command = f"temper runs reproduce {folder.run_id}"
    started = launch.start(workspace, "train", again.params, f"again: {folder.spec().title}", command)
    if no_watch:
        watch.print_started(started, as_json)
        say(f"When it has ended: temper runs compare {folder.run_id} {started.run_id}")
        return
    view = watch.watch_to_end(started, quiet=as_json)
    watch.raise_unless_finished(view)
    found = agreement(curve_of(read_events(folder.events)), curve_of(read_events(started.events)))
    if as_json:
        print_json(
            {"run_id": started.run_id, "reproduces": folder.run_id, "agreement": found, "notes": again.notes}
        )
    else:
        print_agreement(folder.run_id, started.run_id, found)
    if found.verdict == "different":
        raise RefusedError(
            "The losses are not those of the run",
            f"They differ by up to {found.largest:.2g}, at step {found.at_step}.",
            f"Look at both: temper runs compare {folder.run_id} {started.run_id}",
        )


def print_agreement(first: str, second: str, found: Agreement) -> None:
    """How near the new run came to the old one."""
    print_facts(
        [
            ("run", f"{second}, again {first}"),
            ("steps", found.steps),
            ("difference", f"{found.largest:.2g} at most, at step {found.at_step}"),
            ("verdict", VERDICTS[found.verdict]),
        ]
    )
