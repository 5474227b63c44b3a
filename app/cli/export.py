"""`temper export`: make files of a model in a detached job and check them; print them and the verdict."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
import msgspec

from app.cli import ladder as rungs
from app.cli import ship
from app.cli.output import cpu_option, json_option, print_json, say
from app.cli.places import as_model, as_settings_path, shown_path
from store.errors import ExitCode, UsageError
from store.records.exports import DENSITY, ExportResult, Mix, Way
from store.records.hand_offs import Tool
from store.records.runs import RunView
from store.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from engine.jobs.export_request import ExportParams
    from engine.models.variants import Parts

WAYS: tuple[Way, ...] = get_args(Way)
TOOLS: tuple[Tool, ...] = get_args(Tool)


@click.command()
@click.argument("source", metavar="[RUN|MODEL]", default="")
@click.option("--adapter", "adapters", multiple=True, metavar="RUN[:WEIGHT]", help="One of several as one.")
@click.option("--combine", "way", type=click.Choice(WAYS), default=WAYS[0], help="How; cat is the exact sum.")
@click.option(
    "--density", default=DENSITY, show_default=True, help="Share of numbers that ties and dare keep."
)
@click.option("--seed", default=0, show_default=True, help="Decides which ones dare keeps.")
@click.option("--quant", default="", help="GGUF types, e.g. q4_k_m,q8_0; by the model's size when left out.")
@click.option(
    "--ladder",
    is_flag=True,
    help="Measure many types side by side (or those of --quant) and keep the file of the smallest that is "
    "still the model.",
)
@click.option("--adapter-only", is_flag=True, help="The adapter as a GGUF of its own, for --lora.")
@click.option("--for", "tools", default="", metavar="TOOL", help=f"What will run it: {', '.join(TOOLS)}.")
@click.option("--out", help="The folder for the files; the run's own when left out.")
@click.option(
    "--suite", help="The eval suite to judge the files by; the one of the run's data when left out."
)
@click.option("--cases", is_flag=True, help="Show the answers to every case that a file decides otherwise.")
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
    ladder: bool,
    adapter_only: bool,
    tools: str,
    out: str | None,
    suite: str | None,
    cases: bool,
    no_watch: bool,
    as_json: bool,
) -> None:
    """Make GGUF files of a training run, a kept adapter or a model, and check that they behave like it.

    \b
    Several adapters of one base become one:
      temper export --adapter RUN:0.7 --adapter OTHER:0.3 --combine ties
    The smallest type that is still the model, out of many:
      temper export RUN --ladder
    Ready for another program (vllm, tgi and transformers get the merged weights,
    with --adapter-only the PEFT adapter):
      temper export RUN --for ollama
    """
    from app.cli import watch
    from engine.jobs import launch, mixing

    workspace = open_workspace()
    source, mix = mixing.asked(source, adapters, way, density, seed)
    params = checked_params(
        workspace, source, quant, out, mix, suite, adapter_only, ladder, parse_tools(tools)
    )
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
        print_result(result, cases)
    if result.ship_check.verdict == "BLOCK":
        raise click.exceptions.Exit(ExitCode.REFUSED)


def parse_tools(text: str) -> list[Tool]:
    """`ollama,vllm` as a list without repeats. Raises UsageError for a program that is not known."""
    asked = list(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    unknown = [name for name in asked if name not in TOOLS]
    if unknown:
        raise UsageError(
            "Unknown program",
            f"{', '.join(unknown)} is none of {', '.join(TOOLS)}.",
            "Choose from these; anything that runs llama.cpp reads the GGUF file as it is.",
        )
    return [tool for tool in TOOLS if tool in asked]


def checked_params(
    workspace: Workspace,
    source: str,
    quant: str,
    out: str | None,
    mix: Mix | None = None,
    suite: str | None = None,
    adapter_only: bool = False,
    ladder: bool = False,
    tools: Sequence[Tool] = (),
) -> ExportParams:
    """The job's parameters, once the source is known to be whole. Raises UsageError or MissingError."""
    from engine.evals.suite import find_suite, load_suite
    from engine.jobs import foreseeing, mixing
    from engine.jobs.export_request import ExportParams, check_adapter_only, check_source
    from engine.models.variants import describe

    parts = mixing.describe_mix(workspace, mix) if mix else describe(workspace, as_model(workspace, source))
    base = check_source(workspace, parts)
    types = types_of(workspace, parts, mix, quant, adapter_only, ladder)
    folder = str((Path.cwd() / Path(out).expanduser()).resolve()) if out else None
    if suite:
        found = find_suite(workspace.root, suite, Path.cwd())
        load_suite(found, workspace.root)
        suite = as_settings_path(workspace, str(found))
    name = "" if mix else as_model(workspace, source)
    params = ExportParams(
        parts.run_id if parts.run_id and source == "last" else name,
        types,
        as_settings_path(workspace, folder) if folder else None,
        mixing.settled(workspace, mix) if mix else None,
        suite,
        adapter_only,
        ladder,
        list(tools),
    )
    if adapter_only:
        check_adapter_only(params, parts)
    foreseeing.check(workspace, params, parts, base, Path(folder) if folder else None)
    return params


def types_of(
    workspace: Workspace, parts: Parts, mix: Mix | None, quant: str, adapter_only: bool, ladder: bool
) -> list[str]:
    """The types asked for, or those that fit."""
    from engine.export.quantise import parse_types
    from engine.models.variants import default_quant

    asked = parse_types(quant) if quant else []
    if ladder:
        from engine.jobs import climbing

        return climbing.types_for(workspace, parts, mix, asked)
    return asked or ["f32" if adapter_only else default_quant(parts.model)]


def command_line(params: ExportParams) -> str:
    """The command that asks for the same again, from the workspace's folder."""
    from engine.jobs import mixing

    named = mixing.command_words(params.mix) if params.mix else [params.source]
    words = ["temper", "export", *named, "--quant", ",".join(params.types)]
    words += ["--ladder"] if params.ladder else []
    words += ["--suite", params.suite] if params.suite else []
    words += ["--adapter-only"] if params.adapter_only else []
    words += ["--for", ",".join(params.tools)] if params.tools else []
    return shlex.join([*words, "--out", params.out] if params.out else words)


def report(view: RunView) -> dict[str, Any]:
    """What `--json` prints."""
    shown = ("files", "ship_check", "hand_offs", "ladder")
    return {"run_id": view.run_id, **{name: view.result.get(name) for name in shown}}


def print_result(result: ExportResult, cases: bool = False) -> None:
    """What was measured, a line per file, the verdict with its reasons, and what to do next."""
    if result.ladder:
        rungs.print_ladder(result.ladder, cases)
    ship.print_files(result.files)
    for line in [*ship.reasons(result.files), *ship.meaning(result.ship_check)]:
        say(line)
    if len(result.files) > 1:
        say(f"Where a line gives one figure it is that of {ship.worst_name(result)}, the file furthest off.")
    if cases and not result.ladder:
        ship.print_flipped(result.files)
    for file in result.files:
        if file.fallbacks:
            say(f"{file.type}: {ship.fallback_words(file.fallbacks)}")
    for made in result.hand_offs:
        click.echo(click.style(f"\n{made.tool}", bold=True))
        click.echo(f"  {made.command}")
        for note in made.notes:
            say(f"  {note}")
    if result.ship_check.verdict == "BLOCK":
        say(click.style("Do not ship this: at least one file is not the model that was trained.", fg="red"))
    elif step := next_step(result):
        say(f"\nNext:\n  {step}")


def next_step(result: ExportResult) -> str:
    """What to type next: the variant that was made, or how llama.cpp puts an adapter on."""
    first = next((file for file in result.files if not file.hashes), None)
    if first is None:
        return ""
    if result.base_gguf:  # an adapter by itself
        base, adapter = map(shown_path, (result.base_gguf, first.path))
        return shlex.join(["llama-server", "-m", base, "--lora", adapter])
    if result.mix:
        # a GGUF file has its own type
        return f"temper variants add NAME --model {shlex.quote(shown_path(first.path))}"
    named = f"--adapter {result.adapter}" if result.adapter else f"--model {result.source}"
    return f"temper variants add NAME {named} --quant {first.type}"
