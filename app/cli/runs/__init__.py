"""`temper runs`: a module per command, imported when it is called. All shown is derived from run folders."""

from __future__ import annotations

import click

from app.cli.lazy import Commands, LazyGroup

COMMANDS: Commands = {
    "list": ("app.cli.runs.list_:list_", "The runs of this workspace, newest first."),
    "show": ("app.cli.runs.show:show", "All there is to say of a run."),
    "attach": ("app.cli.runs.attach:attach", "Watch a run to its end."),
    "stop": ("app.cli.runs.stop:stop", "Stop a run at its next step, its work saved."),
    "resume": ("app.cli.runs.resume:resume", "Go on with a run that did not finish."),
    "compare": ("app.cli.runs.compare:compare", "Training runs side by side."),
    "reproduce": ("app.cli.runs.reproduce:reproduce", "Train a run again, and see whether it is the same."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def runs() -> None:
    """List, show, watch, stop, compare and repeat runs."""
