"""How a training run has ended, for people and for programs."""

from __future__ import annotations

from typing import Any

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
    if as_json:
        print_json(report(view))
    watch.raise_unless_finished(view)
    if not as_json:
        print_trained(view)
    if pack := view.result.get("forgetting"):
        follow_pack(RunFolder(folder.path.with_name(pack)), quiet=as_json)


def follow_pack(folder: RunFolder, quiet: bool) -> None:
    """Watch the forgetting pack behind a training run; its verdict is its last notice."""
    if not quiet:
        say(f"\nThe forgetting pack, before and after: {folder.run_id}")
    watch.watch(folder, quiet)


def report(view: RunView) -> dict[str, Any]:
    """What `--json` prints, however the run ended."""
    made = {one.type: one.path for one in view.artifacts}
    return {
        "run_id": view.run_id,
        "state": view.state,
        "adapter": made.get("adapter"),
        "model": made.get("model"),
        "metrics": view.result.get("metrics", {}),
        "outcome": view.result.get("outcome"),
        "quantisation": view.result.get("quantisation"),
        "forgetting": view.result.get("forgetting"),
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
