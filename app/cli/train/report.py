"""How a training run has ended, for people and for programs."""

from __future__ import annotations

from typing import Any

from app.cli.output import print_facts, say
from app.words import span
from store import clock
from store.records.runs import RunView


def report(view: RunView) -> dict[str, Any]:
    """What `--json` prints, however the run ended."""
    adapter = next((one.path for one in view.artifacts if one.type == "adapter"), None)
    return {
        "run_id": view.run_id,
        "state": view.state,
        "adapter": adapter,
        "metrics": view.result.get("metrics", {}),
        "error": view.error,
    }


def print_trained(view: RunView) -> None:
    """Figures and place of a finished training run, and what to do next."""
    metrics = view.result["metrics"]
    seconds = 0.0
    if view.started and view.ended:
        seconds = (clock.parse(view.ended) - clock.parse(view.started)).total_seconds()
    print_facts(
        [
            ("run", view.run_id),
            ("adapter", f".temper/runs/{view.run_id}/{view.result['adapter']}"),
            ("steps", metrics["steps"]),
            ("loss", f"{metrics['loss']:.4f} (mean of all steps)"),
            ("rows", f"{metrics['rows']:,}, {metrics['trained_tokens']:,} trained tokens"),
            ("time", f"{span(seconds)} on {metrics['device']}"),
        ]
    )
    say(
        f"Next:\n  temper ask QUESTION --variant {view.run_id}\n  temper export {view.run_id}\n"
        f"  temper variants add NAME --adapter {view.run_id}"
    )
