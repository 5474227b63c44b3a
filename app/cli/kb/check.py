"""`temper kb check`: questions with known sources, asked of a knowledge base; figures, warnings, a gate."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from app.cli.kb.options import kb_option
from app.cli.output import json_option, print_json, print_table, say
from store import knowledge
from store.errors import ExitCode
from store.records.kb_check import KbReport, Metric
from store.workspace import open_workspace

METRICS = ("recall", "mrr", "ndcg", "token_recall", "token_precision", "token_iou")


@click.command()
@click.argument("questions", required=False, type=click.Path(path_type=Path))
@kb_option
@click.option("-k", default=5, type=click.IntRange(1, 100), help="Passages that count as found.")
@click.option("--by", default="mrr", type=click.Choice(METRICS), help="What settings are compared by.")
@click.option(
    "--compare", multiple=True, metavar="KEY=A,B", help="Also build with chunker=..., chunk_tokens=..."
)
@click.option(
    "--min", "least", multiple=True, metavar="METRIC=VALUE", help="Less than this ends with code 5."
)
@json_option
def check(
    questions: Path | None,
    name: str | None,
    k: int,
    by: Metric,
    compare: tuple[str, ...],
    least: tuple[str, ...],
    as_json: bool,
) -> None:
    """Ask the QUESTIONS (evals/retrieval/KB.yaml, .jsonl, .csv) and measure what is found."""
    from app.cli.watch import watch
    from engine.jobs import launch
    from engine.jobs.kb_check import KbCheckParams, report_of
    from engine.retrieval.checking.axes import combinations
    from engine.retrieval.checking.gating import limits, refusals
    from engine.retrieval.checking.question_files import find_questions, read_questions
    from engine.retrieval.sources import choose_base

    workspace = open_workspace()
    name = choose_base(workspace, name)
    workspace.knowledge(name)
    knowledge.load_manifest(workspace.paths, name)
    path = find_questions(workspace.root / "evals", name, questions)
    read_questions(path)  # what cannot be read is told before anything starts
    least_figures = limits(least)
    params = KbCheckParams(name, str(path), k, combinations(compare), by)
    folder = launch.start(workspace, "kb_check", params, f"check {name}", f"temper kb check --kb {name}")
    report = report_of(watch(folder, quiet=as_json).result)
    refused = refusals(report, least_figures)
    if as_json:
        print_json(
            msgspec.to_builtins(report) | {"gate": "failed" if refused else "passed" if least else "none"}
        )
    else:
        print_report(report)
        for line in refused:
            say(click.style(line, fg="red"))
    raise click.exceptions.Exit(ExitCode.REFUSED if refused else ExitCode.OK)


def print_report(report: KbReport) -> None:
    """A line per arm and stage, then what is odd."""
    metrics = [
        one for one in METRICS if any(one in stage.figures for arm in report.arms for stage in arm.stages)
    ]
    rows = [
        (
            arm.name,
            stage.stage,
            *(f"{stage.figures[one].mean:.3f}" if one in stage.figures else "" for one in metrics),
        )
        for arm in report.arms
        for stage in arm.stages
    ]
    print_table(("settings", "stage", *metrics), rows, right=range(2, 2 + len(metrics)))
    for one in report.differences:
        interval = f"({one.low:+.3f} to {one.high:+.3f}), p = {one.p:.3f}"
        click.echo(f"{one.arm}: {one.by} {one.diff:+.3f} {interval}: {one.verdict}")
    if report.pick:
        click.echo(f"Take {report.pick}: {report.why}.")
    say(f"{report.questions} questions at k = {report.k}; {report.unreviewed} of them unreviewed.")
    for line in report.notices:
        say(line)
    for unresolved in report.unresolved:
        say(f"Not asked: {unresolved.question} ({unresolved.why})")
    print_warnings(report)


def print_warnings(report: KbReport) -> None:
    """What is odd about the documents, on stderr."""
    for pair in report.warnings.alike:
        say(f"Nearly the same ({pair.likeness:.0%}): {pair.a} and {pair.b}")
    for one in report.warnings.contradictions:
        say(f"At odds on {one.question!r}:")
        say(f"    {one.a} {one.a_date}: {one.a_says}")
        say(f"    {one.b} {one.b_date}: {one.b_says}")
    if (dead := report.warnings.unreached) is not None:
        say(
            f"{dead.count:,} of {dead.of:,} passages were brought up by no question "
            f"(at most {dead.reachable:,} could be)."
        )
