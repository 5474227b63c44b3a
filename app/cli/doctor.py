"""`temper doctor`: what engine.doctor and engine.airgap found, and the exit code."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli.output import json_option, print_json, print_table, say
from store.errors import ExitCode
from store.records.machine import Diagnosis, Status

_WORDS: dict[Status, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "note": ("note", "yellow"),
    "missing": ("missing", "red"),
}


@click.command()
@click.option("--airgap", is_flag=True, help="Prove that nothing would call out.")
@json_option
def doctor(airgap: bool, as_json: bool) -> None:
    """What this machine can do, what is missing, the command that mends it. Exit code 3 if something is."""
    from engine import airgap as proof
    from engine import doctor as core

    found = proof.prove() if airgap else core.examine(Path.cwd())
    if as_json:
        print_json(found)
    else:
        print_findings(found)
    if not found.ok:
        raise click.exceptions.Exit(ExitCode.MISSING)


def print_findings(found: Diagnosis) -> None:
    """A line per finding; what mends it below."""
    rows = []
    for one in found.findings:
        word, colour = _WORDS[one.status]
        rows.append((one.name, click.style(word, fg=colour), one.detail))
        if one.remedy:
            rows.append(("", "", click.style(f"mend it with: {one.remedy}", fg="yellow")))
    print_table(("what", "", "found"), rows)
    missing = sum(one.status == "missing" for one in found.findings)
    say(f"{missing} missing." if missing else "Nothing needed is missing.")
