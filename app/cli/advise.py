"""`temper advise SUITE`: prompt, retrieval, tuning or another base? Measured on the same cases."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from app.cli.advice_report import show
from app.cli.output import cpu_option, json_option, print_json, say
from store.records.advice import Advice
from store.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from engine.jobs.advise import AdviseParams

SHOTS = 4


@click.command()
@click.argument("suite")
@click.option("--variant", default="", help="The plain variant to start from.")
@click.option("--prompt", default="", metavar="FILE", help="An improved prompt to try.")
@click.option("--rows", default="", metavar="DATASET", help="Whose train rows are shown and trained on.")
@click.option("--shots", type=click.IntRange(1, 12), default=SHOTS, show_default=True, help="Rows to show.")
@click.option("--adapter", default="", help="A trained variant, run or kept adapter to measure.")
@click.option("--kb", default="", metavar="NAME", help="The knowledge base to search.")
@click.option("--against", default="", metavar="M", help="Another model or variant to compare with.")
@click.option(
    "--probe/--no-probe",
    default=None,
    help="Where no adapter is trained yet, train a short one first (as far as there are rows).",
)
@click.option("--probe-steps", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--limit", type=click.IntRange(min=1), help="At most this many cases.")
@cpu_option
@json_option
def advise(
    suite: str,
    variant: str,
    prompt: str,
    rows: str,
    shots: int,
    adapter: str,
    kb: str,
    against: str,
    probe: bool | None,
    probe_steps: int,
    limit: int | None,
    as_json: bool,
) -> None:
    """Measure SUITE as it is, with a better prompt, rows, passages and an adapter; say what to do."""
    from app.cli import watch
    from engine.evals.suite import find_suite, named
    from engine.jobs import launch
    from engine.jobs.advise import AdviseParams
    from engine.jobs.advising.ways import Wanted

    workspace = open_workspace()
    path = find_suite(workspace.root, suite, Path.cwd())
    wanted = Wanted(variant, prompt, rows, shots, adapter, kb, against)
    params = AdviseParams(named(workspace.root, path), wanted, limit)
    look_first(workspace, params)
    if probe is not False:
        train_probe(workspace, params, probe_steps, as_json, asked_for=bool(probe))
    folder = launch.start(workspace, "advise", params, path.stem, command_line(params))
    try:
        view = watch.watch(folder, quiet=as_json)
    except click.exceptions.Exit:
        say("Ask again whenever you like: what was answered so far is not asked again.")
        raise
    advice = msgspec.convert(view.result["advice"], Advice)
    if as_json:
        print_json(report(folder.run_id, advice))
    else:
        show(folder.run_id, advice)


def command_line(params: AdviseParams) -> str:
    """The call that measures the same again; what was trained for it is named."""
    wanted = params.wanted
    options: list[tuple[str, object]] = [
        ("--variant", wanted.variant),
        ("--prompt", wanted.prompt),
        ("--rows", wanted.rows),
        ("--shots", wanted.shots if wanted.shots != SHOTS else ""),
        ("--adapter", wanted.adapter),
        ("--kb", wanted.knowledge),
        ("--against", wanted.against),
        ("--limit", params.limit or ""),
    ]
    given = [str(word) for option in options if option[1] for word in option]
    return shlex.join(["temper", "advise", params.suite, *given])


def look_first(workspace: Workspace, params: AdviseParams) -> None:
    """Raises what is wrong with the names before anything is started."""
    from engine.data.ensure import check_reference
    from engine.evals.suite import find_suite, load_suite
    from engine.jobs.advising.ways import plain_variant
    from engine.models.variants import describe, read_prompt

    wanted = params.wanted
    load_suite(find_suite(workspace.root, params.suite), workspace.root)
    describe(workspace, wanted.variant or plain_variant(workspace))
    for name in filter(None, (wanted.adapter, wanted.against)):
        describe(workspace, name)
    if wanted.prompt:
        read_prompt(workspace, wanted.prompt)
    if wanted.knowledge:
        workspace.knowledge(wanted.knowledge)
    if wanted.rows:
        check_reference(workspace, wanted.rows)


def train_probe(workspace: Workspace, params: AdviseParams, steps: int, quiet: bool, asked_for: bool) -> None:
    """Train a short adapter, unless there is one; the advice is then about it.

    What stands against it is raised only where it was asked for. One that fails on the way leaves everything
    else to be measured.
    """
    from app.cli import watch
    from engine.evals.suite import find_suite, load_suite
    from engine.jobs.advising import probe

    wanted = params.wanted
    loaded = load_suite(find_suite(workspace.root, params.suite), workspace.root)
    run = probe.start_where_missing(workspace, loaded, wanted, params.limit, steps, asked_for)
    if run is not None:
        say("No adapter is trained on these rows yet: a short one comes first (--no-probe leaves it out).")
        view = watch.watch_to_end(run, quiet)
        if view.state == "finished":
            wanted.adapter = run.run_id
        elif view.state == "cancelled":
            watch.raise_unless_finished(view)
        else:
            why = f"{view.error.title}. {view.error.happened}" if view.error else "it died"
            wanted.unprobed = f"its probe failed: {why} (temper runs show {run.run_id})"
    if wanted.unprobed:
        say(f"The adapter is not measured: {wanted.unprobed}")


def report(run_id: str, advice: Advice) -> dict[str, Any]:
    """What `--json` prints: the advice, and the run that measured it."""
    return {"run_id": run_id, **msgspec.to_builtins(advice)}
