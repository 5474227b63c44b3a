"""`temper data check`: all checks over a dataset version as a job, its report as a table or as JSON."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from app.cli.data.findings import as_json as report_json
from app.cli.data.findings import print_report
from app.cli.output import json_option, print_json, say
from app.cli.places import as_model, as_settings_path
from store import check_reports
from store.errors import ExitCode
from store.records.data import DatasetInfo
from store.records.findings import CheckReport, CheckSettings
from store.runs import RunFolder
from store.workspace import Workspace, open_workspace


@click.command()
@click.argument("name", metavar="NAME[@VERSION]")
@click.option("--model", default="", help="Count tokens as this model does: a name, or a directory.")
@click.option("--max-length", default=0, type=click.IntRange(min=0), help="Tokens of a row, as in a recipe.")
@click.option("--mask", default="", metavar="assistant|last|completion|whole", help="What carries loss.")
@click.option("--prompt", default="", metavar="FILE", help="The system message of rows without one.")
@click.option("--recipe", default="", help="Take model, length, mask, prompt from a recipe.")
@click.option("--variant", default="", help="Compare with what this variant is asked under.")
@click.option("--schema", default="", metavar="FILE", help="The JSON Schema of the answers.")
@click.option("--task", default="", metavar="FILE", help="What is in and out. Default: data/TASK.md.")
@click.option(
    "--embeddings/--no-embeddings",
    default=None,
    help="Compare by meaning too. Default: where the embedder is installed and rows are not too many.",
)
@click.option("--known", is_flag=True, help="Ask the model which rows it answers right already.")
@click.option("--language", "languages", multiple=True, metavar="CODE", help="Expected language: en, de, ...")
@click.option("--strict", is_flag=True, help="Exit code 5 for warnings, too.")
@click.option("--no-watch", is_flag=True, help="Start the run and return.")
@json_option
def check(name: str, strict: bool, no_watch: bool, as_json: bool, **options: Any) -> None:
    """Find what is wrong with dataset NAME: duplicates, conflicts, leaks, private data, cut answers, ..."""
    from app.cli import watch

    workspace = open_workspace()
    info, settings = settings_of(workspace, name, **options)
    folder = start(workspace, info, settings, command_line(name, options))
    if no_watch:
        watch.print_started(folder, as_json)
        return
    view = watch.watch(folder, quiet=as_json)
    report = check_reports.find(workspace.paths, info.name, info.version, view.result["sha256"])
    if as_json:
        print_json(report_json(workspace, report))
    else:
        print_report(workspace, report)
    raise click.exceptions.Exit(exit_code(report, strict))


def settings_of(
    workspace: Workspace, name: str, languages: tuple[str, ...], **options: Any
) -> tuple[DatasetInfo, CheckSettings]:
    """What is checked, and how: the command's options filled up from the workspace."""
    from engine.data.checks.asking import Asked, settings_for

    for option in ("prompt", "schema", "task"):
        options[option] = as_settings_path(workspace, options[option]) if options[option] else ""
    options["model"] = as_model(workspace, options["model"]) if options["model"] else ""
    asked = Asked(languages=list(languages), **options)
    return settings_for(workspace, name, asked, Path.cwd(), say)


def start(workspace: Workspace, info: DatasetInfo, settings: CheckSettings, command: str) -> RunFolder:
    """The job, started."""
    from engine.jobs import launch
    from engine.jobs.check import CheckParams

    reference = f"{info.name}@{info.version}"
    return launch.start(workspace, "check", CheckParams(reference, settings), f"check {reference}", command)


def command_line(name: str, options: dict[str, Any]) -> str:
    """The command that asks for the same again."""
    words = ["temper", "data", "check", name]
    for option, value in options.items():
        flag = f"--{option.replace('_', '-')}"
        if option == "languages":
            words += [word for code in value for word in ("--language", code)]
        elif value is False and option == "embeddings":
            words.append("--no-embeddings")
        elif value is True:
            words.append(flag)
        elif value:
            words += [flag, str(value)]
    return shlex.join(words)


def exit_code(report: CheckReport, strict: bool) -> ExitCode:
    """REFUSED for what stops training; with `strict` for warnings, too."""
    refused = ("block", "warn") if strict else ("block",)
    return ExitCode.REFUSED if report.verdict in refused else ExitCode.OK
