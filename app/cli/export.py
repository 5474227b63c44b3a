"""`temper export`: merge, convert, quantise and check in a detached job; print the files and the verdict."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
import msgspec

from app.cli import ship
from app.cli.output import cpu_option, json_option, print_json, print_table, say
from app.cli.places import as_model, as_settings_path
from store.errors import ExitCode
from store.records.exports import DENSITY, ExportResult, Mix, Way
from store.records.runs import RunView
from store.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from engine.jobs.export import ExportParams

WAYS: tuple[Way, ...] = get_args(Way)


@click.command()
@click.argument("source", metavar="[RUN|MODEL]", default="")
@click.option("--adapter", "adapters", multiple=True, metavar="RUN[:WEIGHT]", help="One of several as one.")
@click.option("--combine", "way", type=click.Choice(WAYS), default=WAYS[0], help="How; cat is the exact sum.")
@click.option(
    "--density", default=DENSITY, show_default=True, help="Share of numbers that ties and dare keep."
)
@click.option("--seed", default=0, show_default=True, help="Decides which ones dare keeps.")
@click.option("--quant", default="", help="GGUF types, e.g. q4_k_m,q8_0; by the model's size when left out.")
@click.option("--out", help="The folder for the files; the run's own when left out.")
@click.option(
    "--suite", help="The eval suite to judge the files by; the one of the run's data when left out."
)
@click.option("--adapter-only", is_flag=True, help="The adapter as a GGUF of its own, for --lora.")
@click.option("--no-watch", is_flag=True, help="Start the run and return.")
@cpu_option
@json_option
def export(
    source: str,
    adapters: tuple[str, ...],
    way: Way,
    density: float,
    seed: int,
    quant: str,
    out: str | None,
    suite: str | None,
    adapter_only: bool,
    no_watch: bool,
    as_json: bool,
) -> None:
    """Make GGUF files of a training run, a kept adapter or a model, and check that they behave like it.

    Several adapters of one base become one: --adapter RUN:0.7 --adapter OTHER:0.3 --combine ties
    """
    from app.cli import watch
    from engine.jobs import launch, mixing

    workspace = open_workspace()
    source, mix = mixing.asked(source, adapters, way, density, seed)
    params = checked_params(workspace, source, quant, out, mix, suite, adapter_only)
    title = f"{mixing.stem(params.mix) if params.mix else params.source}: {', '.join(params.types)}"
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


def checked_params(
    workspace: Workspace,
    source: str,
    quant: str,
    out: str | None,
    mix: Mix | None = None,
    suite: str | None = None,
    adapter_only: bool = False,
) -> ExportParams:
    """The job's parameters, once the source is known to be whole. Raises UsageError or MissingError."""
    from engine.evals.suite import find_suite, load_suite
    from engine.export.quantise import parse_types
    from engine.jobs import adapter_export, mixing
    from engine.jobs.export import ExportParams, check_source
    from engine.models.variants import default_quant, describe

    parts = mixing.describe_mix(workspace, mix) if mix else describe(workspace, as_model(workspace, source))
    check_source(workspace, parts)
    types = parse_types(quant) if quant else ["f32" if adapter_only else default_quant(parts.model)]
    folder = str((Path.cwd() / Path(out).expanduser()).resolve()) if out else None
    target = as_settings_path(workspace, folder) if folder else None
    if suite:
        found = find_suite(workspace.root, suite, Path.cwd())
        load_suite(found, workspace.root)
        suite = as_settings_path(workspace, str(found))
    if mix:
        mixed = ExportParams("", types, target, mixing.settled(workspace, mix), suite, adapter_only)
        if adapter_only:
            adapter_export.check_params(mixed, parts)
        return mixed
    name = parts.run_id if parts.run_id and source == "last" else as_model(workspace, source)
    params = ExportParams(name, types, target, suite=suite, adapter_only=adapter_only)
    if adapter_only:
        adapter_export.check_params(params, parts)
    return params


def command_line(params: ExportParams) -> str:
    """The command that asks for the same again, from the workspace's folder."""
    from engine.jobs import mixing

    named = mixing.command_words(params.mix) if params.mix else [params.source]
    words = ["temper", "export", *named, "--quant", ",".join(params.types)]
    words += ["--suite", params.suite] if params.suite else []
    words += ["--adapter-only"] if params.adapter_only else []
    return shlex.join([*words, "--out", params.out] if params.out else words)


def report(view: RunView) -> dict[str, Any]:
    """What `--json` prints."""
    return {"run_id": view.run_id, "files": view.result["files"], "ship_check": view.result["ship_check"]}


def print_result(result: ExportResult) -> None:
    """A line per file, then the verdict, its reasons and what to do next."""
    print_table(ship.COLUMNS, [ship.row(file) for file in result.files], right=ship.RIGHT)
    worst = result.ship_check
    for line in [*ship.reasons(result.files), *ship.meaning(worst)]:
        say(line)
    for file in result.files:
        if file.fallbacks:
            say(f"{file.type}: {fallback_words(file.fallbacks)}")
    if worst.verdict == "BLOCK":
        say(click.style("Do not ship this: at least one file is not the model that was trained.", fg="red"))
    else:
        quant = "" if result.mix else f" --quant {result.files[0].type}"  # a GGUF file has its own
        say(f"Next: temper variants add NAME {next_option(result)}{quant}")


def fallback_words(fallbacks: dict[str, list[str]]) -> str:
    """Which tensors got another type than asked for, a few by name, and why."""
    found = []
    for kind, names in sorted(fallbacks.items()):
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        found.append(f"{len(names)} {'tensor is' if len(names) == 1 else 'tensors are'} {kind} ({shown})")
    return f"{'; '.join(found)}: the type's blocks do not divide their rows."


def next_option(result: ExportResult) -> str:
    """How `variants add` names what was exported."""
    if result.mix:
        return f"--model {result.files[0].path}"
    return f"--adapter {result.adapter}" if result.adapter else f"--model {result.source}"
