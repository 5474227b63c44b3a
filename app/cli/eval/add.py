"""`temper eval add`: a failed case of a run, or a served request, becomes a case of a suite."""

from __future__ import annotations

import shlex

import click

from app.cli.output import json_option, print_json, say
from store.errors import UsageError
from store.workspace import open_workspace


@click.command()
@click.argument("suite")
@click.option("--run", help="The evaluation that it failed in; `last` is the newest.")
@click.option("--case", "case_id", help="The case of that run.")
@click.option("--variant", default="", help="The variant that failed, where the run has several.")
@click.option("--trace", help="A served request instead.")
@click.option("--expected", help="The right answer, where it is another than the case has.")
@click.option("--tag", "tags", multiple=True, help="A tag for it, such as critical; may be repeated.")
@json_option
def add(
    suite: str,
    run: str | None,
    case_id: str | None,
    variant: str,
    trace: str | None,
    expected: str | None,
    tags: tuple[str, ...],
    as_json: bool,
) -> None:
    """Add a case to SUITE (a name in evals/): one of --run and --case, or a --trace.

    A suite that is not there yet is made, with the checks of the run's suite.
    """
    from engine.evals.collecting import add_failure, add_trace

    workspace = open_workspace()
    if trace:
        added = add_trace(workspace, suite, trace, expected, list(tags))
    elif run and case_id:
        added = add_failure(workspace, suite, run, case_id, variant, expected, list(tags))
    else:
        raise UsageError(
            "Which case?", "Neither --trace nor --run with --case was given.", "Give one of them."
        )
    if as_json:
        print_json(added)
        return
    click.echo(f"{added.path}: {added.case}")
    say(f"Run it: temper eval {shlex.quote(added.path)}")
