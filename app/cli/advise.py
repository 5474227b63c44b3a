"""`temper advise SUITE`: prompt, retrieval, tuning or another base? Measured on the same cases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from app.cli.output import cpu_option, json_option, print_json, print_table, say
from app.words import span
from store.records.advice import Advice, Measured
from store.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from engine.jobs.advise import AdviseParams

RESULTS = {
    "none": "nothing",
    "cases": "too few cases",
    "labels": "the labels",
    "base": "the base model",
    "behaviour": "behaviour",
    "format": "the form of the answers",
    "knowledge": "knowledge",
    "retrieval": "the search",
}


@click.command()
@click.argument("suite")
@click.option("--variant", default="", help="The plain variant to start from.")
@click.option("--prompt", default="", metavar="FILE", help="An improved prompt to try.")
@click.option("--rows", default="", metavar="DATASET", help="Whose train rows are shown and trained on.")
@click.option("--shots", type=click.IntRange(1, 12), default=4, show_default=True, help="Rows to show.")
@click.option("--adapter", default="", help="A trained variant, run or kept adapter to measure.")
@click.option("--kb", default="", metavar="NAME", help="The knowledge base to search.")
@click.option("--probe", is_flag=True, help="Where no adapter is trained yet, train a short one first.")
@click.option("--probe-steps", type=click.IntRange(min=1), default=100, show_default=True)
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
    probe: bool,
    probe_steps: int,
    limit: int | None,
    as_json: bool,
) -> None:
    """Measure SUITE as it is, with a better prompt, rows, passages and an adapter; say what to do."""
    from app.cli import watch
    from engine.evals.suite import find_suite
    from engine.jobs import launch
    from engine.jobs.advise import AdviseParams
    from engine.jobs.advising.ways import Wanted

    workspace = open_workspace()
    path = find_suite(workspace.root, suite, Path.cwd())
    shown = path.relative_to(workspace.root) if path.is_relative_to(workspace.root) else path
    wanted = Wanted(variant, prompt, rows, shots, adapter, kb)
    params = AdviseParams(str(shown), wanted, limit)
    look_first(workspace, params)
    if probe:
        train_probe(workspace, params, probe_steps, as_json)
    folder = launch.start(workspace, "advise", params, path.stem, f"temper advise {shown}")
    view = watch.watch(folder, quiet=as_json)
    advice = msgspec.convert(view.result["advice"], Advice)
    if as_json:
        print_json(report(folder.run_id, advice))
    else:
        show(folder.run_id, advice)


def look_first(workspace: Workspace, params: AdviseParams) -> None:
    """Raises what is wrong with the names before anything is started."""
    from engine.evals.suite import find_suite, load_suite
    from engine.jobs.advising.ways import plain_variant
    from engine.models.variants import describe, read_prompt

    wanted = params.wanted
    load_suite(find_suite(workspace.root, params.suite), workspace.root)
    describe(workspace, wanted.variant or plain_variant(workspace))
    if wanted.adapter:
        describe(workspace, wanted.adapter)
    if wanted.prompt:
        read_prompt(workspace, wanted.prompt)
    if wanted.knowledge:
        workspace.knowledge(wanted.knowledge)


def train_probe(workspace: Workspace, params: AdviseParams, steps: int, quiet: bool) -> None:
    """Train a short adapter, unless there is one; the advice is then about it."""
    from app.cli import watch
    from engine.evals.suite import find_suite, load_suite
    from engine.jobs.advising import probe, ways

    wanted = params.wanted
    loaded = load_suite(find_suite(workspace.root, params.suite), workspace.root)
    dataset = ways.dataset_of(loaded, wanted)
    variant = wanted.variant or ways.plain_variant(workspace)
    if wanted.adapter or ways.newest_adapter(workspace, dataset, variant):
        return
    run = probe.start_probe(workspace, dataset, variant, steps)
    watch.watch(run, quiet)
    wanted.adapter = run.run_id


def report(run_id: str, advice: Advice) -> dict[str, Any]:
    """What `--json` prints: the advice, and the run that measured it."""
    return {"run_id": run_id, **msgspec.to_builtins(advice)}


def show(run_id: str, advice: Advice) -> None:
    """The verdict first, then the table, then what else there is to say."""
    click.echo(click.style(advice.headline, bold=True))
    click.echo(f"Bottleneck: {RESULTS[advice.binding]}. Verdict: {advice.verdict.replace('_', ' ')}.\n")
    cost = f"{advice.costs.currency} per 1,000".strip()
    heads = ("approach", "n", "right", "95%", "ms", "tokens", cost, "training", "confidence", "upkeep")
    print_table(
        heads,
        [row(line) for line in advice.ranking],
        right=(1, 2, 3, 4, 5, 6, 7),
    )
    for title, lines in (
        ("Also", advice.says),
        ("Evidence that is missing", advice.missing),
        ("More than an adapter", advice.further),
        ("Costs", cost_lines(advice)),
    ):
        if lines:
            click.echo(f"\n{title}:")
            for line in lines:
                click.echo(f"  - {line}")
    say(f"\nEvery figure is from {run_id}: temper runs show {run_id}. This is advice; nothing is blocked.")


def row(line: Measured) -> tuple[object, ...]:
    """One approach as a line of the table."""
    return (
        line.approach.replace("_", "-"),
        line.n,
        f"{line.score:.1%}",
        f"{line.ci95[0]:.0%} to {line.ci95[1]:.0%}",
        f"{line.latency_ms:.0f}",
        f"{line.tokens:.0f}",
        "-" if line.cost is None else f"{line.cost:.4g}",
        "-" if line.training_seconds is None else span(line.training_seconds),
        line.confidence,
        line.upkeep,
    )


def cost_lines(advice: Advice) -> list[str]:
    """The cost sheet in sentences."""
    costs = advice.costs
    lines = []
    if costs.local is not None:
        lines.append(f"a thousand answers here: {costs.local:.4g} {costs.currency}")
    if costs.hosted is not None:
        lines.append(f"a thousand answers of the hosted model: {costs.hosted:.4g} {costs.currency}")
    if costs.training is not None:
        lines.append(f"training once: {costs.training:.4g} {costs.currency}")
    if costs.break_even is not None:
        lines.append(f"training pays from {costs.break_even:,.0f} answers on")
    elif costs.local is not None and costs.hosted is not None and costs.local >= costs.hosted:
        lines.append("the hosted model is cheaper per answer: training never pays by cost alone")
    if costs.missing:
        lines.append(f"prices that are not in temper.toml: [prices] {', '.join(costs.missing)}")
    return lines
