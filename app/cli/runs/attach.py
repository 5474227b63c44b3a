"""`temper runs attach`: watch a run from anywhere; its end as the command that started it prints it."""

from __future__ import annotations

import click
import msgspec

from app.cli import watch
from app.cli.runs.show import print_run
from app.cli.runs.words import find
from store.records.exports import ExportResult
from store.records.runs import RunView
from store.runs import RunFolder


@click.command()
@click.argument("run", default="last")
def attach(run: str) -> None:
    """Watch RUN to its end; of one that has ended, print the end. Ctrl-C stops the watching only."""
    folder = find(run)
    view = watch.watch(folder)
    print_end(folder, view)


def print_end(folder: RunFolder, view: RunView) -> None:
    """What a finished run gave, as the command that started it would have printed it."""
    if view.kind == "train":
        from app.cli.train.report import print_trained

        print_trained(view)
    elif view.kind == "sweep":
        from app.cli.train.sweep import print_sweep

        print_sweep(view)
    elif view.kind == "evaluate":
        from app.cli.eval.run import print_ended

        print_ended(folder, view)
    elif view.kind == "export":
        from app.cli.export import print_result

        print_result(msgspec.convert(view.result, ExportResult))
    else:
        print_run(folder, view)
