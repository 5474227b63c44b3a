"""A check's report as the command line prints it: a table with bars, remedies and example rows, or JSON."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

import click

from app.cli.output import say
from app.words import cut, span
from store import check_reports, datasets
from store.records.data import Example
from store.records.findings import CheckReport, Finding, Severity
from store.workspace import Workspace

SHOWN_ROWS = 3
BAR_CELLS = 12
COLOURS: dict[Severity, str] = {"block": "red", "warn": "yellow", "info": "cyan"}
VERDICTS = {
    "ok": ("green", "nothing to mend"),
    "warn": ("yellow", "look at the findings before training"),
    "block": ("red", "training on this version stops until the findings are mended or accepted"),
}


def as_json(workspace: Workspace, report: CheckReport) -> dict[str, Any]:
    """What `data check --json` prints."""
    return {
        "dataset": report.dataset,
        "version": report.version,
        "rows": report.rows,
        "findings": [finding_json(finding) for finding in report.findings],
        "verdict": report.verdict,
        "skipped": report.skipped,
        "sha256": report.sha256,
        "report": check_reports.path_of(workspace.paths, report).relative_to(workspace.root).as_posix(),
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding, the same fields whether empty or not."""
    return {
        "check": finding.check,
        "severity": finding.severity,
        "count": finding.count,
        "rows": finding.rows,
        "id": finding.id,
        "title": finding.title,
        "remedy": finding.remedy,
        "detail": finding.detail,
        "groups": finding.groups,
        "notes": finding.notes,
        "figures": finding.figures,
    }


def print_report(workspace: Workspace, report: CheckReport) -> None:
    """Findings, worst first, each with its remedy and some rows; then what did not run, and the verdict."""
    texts = row_texts(workspace, report)
    width = shutil.get_terminal_size().columns
    for finding in report.findings:
        click.echo(head(finding, report.rows))
        for line in body(finding, texts, width):
            click.echo(line)
    if report.skipped:
        click.echo(click.style("Did not run", bold=True))
        for reason, checks in by_reason(report).items():
            click.echo(click.style(f"  {', '.join(checks)}: {reason}", dim=True))
    colour, words = VERDICTS[report.verdict]
    name = f"{report.dataset}@{report.version}"
    found = f"{len(report.findings)} finding{'s' * (len(report.findings) != 1)}"
    click.echo(
        f"{name}: {click.style(report.verdict, fg=colour, bold=True)}, {words} "
        f"({found} in {report.rows:,} rows, {span(report.seconds)})"
    )
    if report.verdict == "block":
        blocking = [finding.id for finding in report.findings if finding.severity == "block"]
        say(f"To train all the same: temper train ... --accept {' --accept '.join(blocking)}")


def head(finding: Finding, rows: int) -> str:
    """Severity, count, share of the rows as a bar, title, id."""
    colour = COLOURS[finding.severity]
    filled = min(BAR_CELLS, -(-finding.count * BAR_CELLS // max(1, rows)))
    bar = click.style("█" * filled, fg=colour) + click.style("░" * (BAR_CELLS - filled), dim=True)
    count = f"{finding.count:,}" if finding.count else "-"
    severity = click.style(f"{finding.severity:<5}", fg=colour, bold=True)
    return f"{severity} {count:>7} {bar} {printable(finding.title)}  {click.style(finding.id, dim=True)}"


def body(finding: Finding, texts: dict[str, str], width: int) -> list[str]:
    """The remedy and some rows, a line each."""
    lines = [f"      {click.style('->', dim=True)} {printable(finding.remedy)}"] if finding.remedy else []
    if finding.detail:
        lines.append(f"         {printable(finding.detail)}")
    for ref in finding.rows[:SHOWN_ROWS]:
        note = printable(finding.notes.get(ref.row, ""))
        text = printable(texts.get(ref.row, ""))
        shown = cut(f"line {ref.line}: " + "  ".join(filter(None, (note, text))), max(40, width - 9))
        lines.append(click.style(f"         {shown}", dim=True))
    return lines


def row_texts(workspace: Workspace, report: CheckReport) -> dict[str, str]:
    """What the rows ask that are shown, by id."""
    wanted = {ref.row for finding in report.findings for ref in finding.rows[:SHOWN_ROWS]}
    texts: dict[str, str] = {}
    for example in datasets.iterate_rows(workspace.paths, f"{report.dataset}@{report.version}/all"):
        if len(texts) == len(wanted):
            break
        if example.row in wanted:
            texts[example.row] = asked(example)
    return texts


def asked(example: Example) -> str:
    """The first thing that a row's user says, or its text."""
    said: Sequence[str] = [turn.content for turn in example.messages if turn.role == "user"]
    return next(iter(said), example.text)[:400]


def by_reason(report: CheckReport) -> dict[str, list[str]]:
    """Checks that did not run, under why."""
    found: dict[str, list[str]] = {}
    for skipped in report.skipped:
        found.setdefault(printable(skipped.reason), []).append(skipped.check)
    return found


def printable(text: str) -> str:
    """Text in one line that cannot move the cursor or change colours: data may hold control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))
