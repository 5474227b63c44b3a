"""`temper runs resume`: go on with a training run or an evaluation that died, failed or was stopped."""

from __future__ import annotations

import click

from app.cli.output import cpu_option, json_option
from app.cli.runs.words import find, was
from store import runs as folders
from store.errors import UsageError
from store.records.runs import ENDED, RunView


@click.command()
@click.argument("run", default="last")
@click.option("--no-watch", is_flag=True, help="Start it and return.")
@cpu_option
@json_option
def resume(run: str, no_watch: bool, as_json: bool) -> None:
    """Go on with RUN from its last whole checkpoint, in its own folder and with the recipe it began with.

    Its losses are those of a run that was never interrupted. Without a checkpoint it begins anew. Of an
    evaluation, only the cases that were not answered are asked.
    """
    from engine.jobs import launch

    folder = find(run)
    view = folders.view(folder)
    refuse(view, folder.spec().command)
    launch.resume(folder)
    if view.kind == "evaluate":
        from app.cli.eval.run import follow as follow_evaluation

        follow_evaluation(folder, no_watch, as_json)
        return
    from app.cli.train.report import follow

    follow(folder, no_watch, as_json)


def refuse(view: RunView, command: str) -> None:
    """Raise UsageError where there is nothing to go on with."""
    if view.resumable or view.state not in ENDED:  # who lives is told by the launch, which knows for certain
        return
    if view.kind not in ("train", "evaluate"):
        raise UsageError(
            "Only training runs and evaluations can be resumed",
            f"{view.run_id} is of kind {view.kind}, which keeps nothing to go on from.",
            f"Run it again: {command}" if command else "Run it again.",
        )
    raise UsageError(
        "There is nothing to go on with",
        f"{view.run_id} {was(view.state)}: all of it is done.",
        "To train for longer, raise max_steps in the recipe and train anew."
        if view.kind == "train"
        else again(command),
    )


def again(command: str) -> str:
    """How an evaluation that has finished is done once more."""
    if command.startswith("temper eval rescore "):
        return f"To judge again: {command}"
    return "To ask again: " + (command if command.endswith(" --fresh") else f"{command} --fresh")
