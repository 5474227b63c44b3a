"""`temper export`: merge, convert, quantise and check in a detached job; print the files and the verdict."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from app.cli.output import cpu_option, json_option, print_json, print_table, say
from app.cli.places import as_model, as_settings_path
from app.words import size
from store.errors import ExitCode
from store.records.exports import ExportResult
from store.records.runs import RunView
from store.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from engine.jobs.export import ExportParams

VERDICT_COLOURS = {"SHIP": "green", "WARN": "yellow", "BLOCK": "red"}


@click.command()
@click.argument("source", metavar="RUN|MODEL")
@click.option("--quant", default="", help="GGUF types, e.g. q4_k_m,q8_0; by the model's size when left out.")
@click.option("--out", help="The folder for the files; the run's own when left out.")
@click.option("--no-watch", is_flag=True, help="Start the run and return.")
@cpu_option
@json_option
def export(source: str, quant: str, out: str | None, no_watch: bool, as_json: bool) -> None:
    """Make GGUF files of a training run, a kept adapter or a model, and check that they behave like it."""
    from app.cli import watch
    from engine.jobs import launch

    workspace = open_workspace()
    params = checked_params(workspace, source, quant, out)
    title = f"{params.source}: {', '.join(params.types)}"
    folder = launch.start(workspace, "export", params, title, command_line(params))
    if no_watch:
        watch.say_queue(folder)
        watch.print_started(folder, as_json)
        return
    view = watch.watch(folder, quiet=as_json)
    result = msgspec.convert(view.result, ExportResult)
    if as_json:
        print_json(report(view))
    else:
        print_result(result)
    if result.ship_check.verdict == "BLOCK":
        raise click.exceptions.Exit(ExitCode.REFUSED)


def checked_params(workspace: Workspace, source: str, quant: str, out: str | None) -> ExportParams:
    """The job's parameters, once the source is known to be whole. Raises UsageError or MissingError."""
    from engine.export.quantise import parse_types
    from engine.jobs.export import ExportParams, check_source
    from engine.models.variants import default_quant, describe

    parts = describe(workspace, as_model(workspace, source))
    check_source(workspace, parts)
    types = parse_types(quant) if quant else [default_quant(parts.model)]
    folder = str((Path.cwd() / Path(out).expanduser()).resolve()) if out else None
    name = parts.run_id if parts.run_id and source == "last" else as_model(workspace, source)
    return ExportParams(name, types, as_settings_path(workspace, folder) if folder else None)


def command_line(params: ExportParams) -> str:
    """The command that asks for the same again, from the workspace's folder."""
    words = ["temper", "export", params.source, "--quant", ",".join(params.types)]
    return shlex.join([*words, "--out", params.out] if params.out else words)


def report(view: RunView) -> dict[str, Any]:
    """What `--json` prints."""
    return {"run_id": view.run_id, "files": view.result["files"], "ship_check": view.result["ship_check"]}


def print_result(result: ExportResult) -> None:
    """A line per file, then the verdict, its reasons and what to do next."""
    rows = []
    for file in result.files:
        check = file.ship_check
        assert check is not None  # every GGUF has one
        verdict = click.style(check.verdict, fg=VERDICT_COLOURS[check.verdict], bold=True)
        ids, answers = f"{check.token_ids_equal:.1%}", f"{check.top1_agreement:.1%}"
        rows.append((file.type, size(file.bytes), ids, answers, verdict, file.path))
    print_table(("type", "size", "token ids", "answers", "check", "file"), rows, right=(1, 2, 3))
    for file in result.files:
        for reason in file.ship_check.reasons if file.ship_check else []:
            say(f"{file.type}: {reason}")
    worst = result.ship_check
    say(
        f"Answers: share of {worst.tokens:,} tokens that {worst.reference} would have chosen too, "
        "in Transformers."
    )
    if worst.verdict == "BLOCK":
        say(click.style("Do not ship this: at least one file is not the model that was trained.", fg="red"))
    else:
        say(f"Next: temper variants add NAME {next_option(result)} --quant {result.files[0].type}")


def next_option(result: ExportResult) -> str:
    """How `variants add` names what was exported."""
    return f"--adapter {result.adapter}" if result.adapter else f"--model {result.source}"
