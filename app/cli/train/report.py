"""How a training run has ended, for people and for programs."""

from __future__ import annotations

from typing import Any

import click

from app.cli import watch
from app.cli.output import print_facts, print_json, say
from app.cli.runs import outcome
from app.words import span
from store import clock
from store.records.runs import RunView
from store.runs import RunFolder


def follow(folder: RunFolder, no_watch: bool, as_json: bool) -> None:
    """Watch a run that was started and print how it ended; with `no_watch`, only that it was started."""
    if no_watch:
        watch.say_queue(folder)
        watch.print_started(folder, as_json)
        return
    view = watch.watch_to_end(folder, quiet=as_json)
    if not as_json and view.state == "finished":
        print_trained(view)
    forgotten = follow_pack(folder, view, as_json)
    if as_json:
        print_json(report(view, forgotten))
    watch.raise_unless_finished(view)


def follow_pack(folder: RunFolder, view: RunView, quiet: bool) -> RunView | None:
    """Watch the run that asks what a training run has forgotten, to its end; None where nothing is asked.

    Its verdict is its last notice. Whatever becomes of it, the training run stands.
    """
    pack = view.result.get("forgetting")
    if not pack:
        return None
    if not quiet:
        say(f"\nWhat was forgotten is asked by {pack}; Ctrl-C leaves it running.")
    found = watch.watch_to_end(
        RunFolder(folder.path.with_name(pack)), quiet
    )  # its verdict is its last notice
    if not quiet and found.state != "finished":
        why = f"{found.error.title}. {found.error.happened}" if found.error else found.state
        say(click.style(f"What was forgotten is not known: {why}", fg="yellow"))
    return found


def report(view: RunView, forgotten: RunView | None = None) -> dict[str, Any]:
    """What `--json` prints, however the run ended. `forgetting` is the run that asks, and its verdict."""
    asked = forgotten.result.get("forgetting", {}) if forgotten else {}
    told = {key: asked[key] for key in ("verdict", "headline", "remedy", "detectable") if key in asked}
    made = {one.type: one.path for one in view.artifacts}
    return {
        "run_id": view.run_id,
        "state": view.state,
        "adapter": made.get("adapter"),
        "model": made.get("model"),
        "metrics": view.result.get("metrics", {}),
        "outcome": view.result.get("outcome"),
        "quantisation": view.result.get("quantisation"),
        "forgetting": {"run_id": forgotten.run_id, "state": forgotten.state} | told if forgotten else None,
        "error": view.error,
    }


def print_trained(view: RunView) -> None:
    """Figures and place of a finished training run, and what to do next."""
    metrics, made = view.result["metrics"], "model" if "model" in view.result else "adapter"
    seconds = 0.0
    if view.started and view.ended:
        seconds = (clock.parse(view.ended) - clock.parse(view.started)).total_seconds()
    print_facts(
        [
            ("run", view.run_id),
            (made, f".temper/runs/{view.run_id}/{view.result[made]}"),
            ("steps", metrics["steps"]),
            ("loss", f"{metrics['loss']:.4f} (mean of all steps)"),
            ("rows", f"{metrics['rows']:,}, {metrics['trained_tokens']:,} trained tokens"),
            ("time", f"{span(seconds)} on {metrics['device']}"),
            *outcome.facts(view),
        ]
    )
    outcome.print_remarks(view)
    say(
        f"Next:\n  temper ask QUESTION --variant {view.run_id}\n  temper export {view.run_id}\n"
        f"  temper variants add NAME --{made} {view.run_id}"
    )
