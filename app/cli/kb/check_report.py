"""The report of `temper kb check` for people: warnings first, figures after, the verdict last."""

from __future__ import annotations

import click

from app.cli.output import print_table, say
from store.records.comparing import GateOutcome
from store.records.kb_check import Arm, KbReport, Latency, Mean

SHOWN = 5
"""Warnings and questions of a kind that are shown; --json has more."""
TITLES = {
    "recall": "recall@{k}",
    "mrr": "MRR",
    "ndcg": "nDCG@{k}",
    "token_recall": "token recall",
    "token_precision": "precision",
    "token_iou": "IoU",
}
COLOURS = {"better": "green", "worse": "red", "same": "blue", "too_small": "yellow"}


def print_report(report: KbReport, gate: GateOutcome) -> None:
    """All of it: figures on stdout, warnings and notices on stderr."""
    say_unresolved(report)
    say_warnings(report)
    scored = report.questions - len(report.unresolved)
    parts = f" ({report.spans} of them name parts of documents)" if report.spans else ""
    asked = f"{scored} question{'s' if scored != 1 else ''}{parts}"
    click.echo(f"{report.kb}: generation {report.generation}, {asked}, k = {report.k}\n")
    print_stages(report, report.arms[0])
    search = report.arms[0].latency.get("search")
    if search:
        click.echo(
            f"\nA search takes {search.p50:.1f} ms (p50), {search.p99:.1f} ms (p99); "
            f"of its stages (p50): {by_stage(report.arms[0])}."
        )
    if report.differences:
        print_arms(report)
    for line in report.notices:
        say(click.style(line, fg="yellow"))
    if gate.verdict != "none":
        click.echo("\n  ".join([f"Gate: {gate.verdict}", *gate.reasons]))


def print_stages(report: KbReport, arm: Arm) -> None:
    """A line per way of ranking, each figure with its interval."""
    metrics = [metric for metric in TITLES if metric in arm.stages[-1].figures]
    print_table(
        ("", *(TITLES[metric].format(k=report.k) for metric in metrics)),
        [(stage.stage, *(told(stage.figures.get(metric)) for metric in metrics)) for stage in arm.stages],
    )


def print_arms(report: KbReport) -> None:
    """A line per arm: its whole search, and how it differs from the published one."""
    by = {one.arm: one for one in report.differences}
    metrics = [metric for metric in TITLES if metric in report.arms[0].stages[-1].figures]
    rows = []
    for arm in report.arms:
        figures = arm.stages[-1].figures
        means = [f"{figures[metric].mean:.3f}" for metric in metrics]
        one = by.get(arm.name)
        beside = ["", "", ""]
        if one is not None:
            verdict = click.style(one.verdict.replace("_", " "), fg=COLOURS[one.verdict])
            beside = [f"{one.diff:+.3f} ({one.low:+.3f} to {one.high:+.3f})", f"{one.p:.3f}", verdict]
        rows.append((arm.name, f"{arm.chunks:,}", *means, milliseconds(arm.latency["search"]), *beside))
    click.echo()
    print_table(
        (
            "",
            "passages",
            *(TITLES[metric].format(k=report.k) for metric in metrics),
            "p50, p99",
            f"{TITLES[report.by].format(k=report.k)} less published",
            "p",
            "",
        ),
        rows,
        right=range(1, 2 + len(metrics)),
    )
    click.echo(f"\nTake {click.style(report.pick, bold=True)}: {report.why}.")


def say_unresolved(report: KbReport) -> None:
    """Questions that could not be asked, with reasons."""
    for one in report.unresolved[:SHOWN]:
        say(click.style(f"Not asked: {one.question}\n    {one.why}", fg="yellow"))
    say_more(len(report.unresolved))


def say_warnings(report: KbReport) -> None:
    """What is odd about the documents."""
    found = report.warnings
    for pair in found.alike[:SHOWN]:
        say(f"Nearly the same ({pair.likeness:.0%}): {pair.a} and {pair.b}")
    say_more(found.alike_count)
    for one in found.contradictions[:SHOWN]:
        say(f"May contradict each other, on {one.question!r}:")
        say(f"    {one.a}{dated(one.a_date)}: {one.a_says}\n    {one.b}{dated(one.b_date)}: {one.b_says}")
    say_more(found.contradiction_count)
    dead = found.unreached
    if dead is not None and dead.count:
        note = (
            f"; {dead.reachable:,} is the most that so few questions can" if dead.reachable < dead.of else ""
        )
        say(f"{dead.count:,} of {dead.of:,} passages were brought up by no question{note}.")
        if dead.documents:
            say(
                f"    Of these documents none was: {', '.join(dead.documents[:SHOWN])}" + more(dead.documents)
            )


def say_more(count: int) -> None:
    """How many were not shown."""
    if count > SHOWN:
        say(f"    and {count - SHOWN:,} more (--json)")


def more(names: list[str]) -> str:
    """Whether a list goes on."""
    return " ..." if len(names) > SHOWN else ""


def dated(date: str) -> str:
    """A document's date, where it has one."""
    return f" ({date})" if date else ""


def told(mean: Mean | None) -> str:
    """A figure with its interval."""
    return f"{mean.mean:.3f} ({mean.low:.2f} to {mean.high:.2f})" if mean else ""


def milliseconds(latency: Latency) -> str:
    """Median and 99th percentile."""
    return f"{latency.p50:.1f}, {latency.p99:.1f} ms"


def by_stage(arm: Arm) -> str:
    """The medians of a search's stages."""
    parts = [f"{name} {one.p50:.1f}" for name, one in arm.latency.items() if name != "search"]
    return ", ".join(parts)
