"""`temper compare A B`: what became right and wrong from one variant to the other, and how sure that is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.output import cpu_option, json_option, print_json, print_table, say
from store.errors import ExitCode
from store.records.comparing import ChangedCase, Comparison
from store.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from engine.jobs.comparing import Asked

SHOWN_CASES = 12
COLOURS = {"better": "green", "worse": "red", "same": "blue", "too_small": "yellow"}


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--suite", help="The suite; needed where neither side is a run and evals/ holds several.")
@click.option("--gate", is_flag=True, help="Exit with 5 when [gates.SUITE] of temper.toml is not satisfied.")
@click.option("--bless", is_flag=True, help="Make B's run the suite's baseline: `temper compare baseline B`.")
@click.option("--stored", is_flag=True, help="Take a variant's newest results instead of evaluating it.")
@click.option(
    "--margin",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.05,
    show_default=True,
    help="A difference that is surely smaller counts as none.",
)
@click.option("--markdown", is_flag=True, help="Print a summary for a pull request.")
@cpu_option
@json_option
def compare(
    a: str,
    b: str,
    suite: str | None,
    gate: bool,
    bless: bool,
    stored: bool,
    margin: float,
    markdown: bool,
    as_json: bool,
) -> None:
    """Compare A with B, variants or eval runs (RUN, RUN:VARIANT, `baseline`), on the same cases."""
    from engine.jobs import comparing

    workspace = open_workspace()
    path = None
    name = "" if suite else comparing.suite_of_runs(workspace, (a, b))
    if not name:
        path = comparing.suite_of(workspace, suite, (a, b), Path.cwd())
        name = comparing.suite_name(path, workspace.root)
    if gate:
        comparing.need_gate(workspace, name)
    sides = (comparing.ask(workspace, a, name, stored), comparing.ask(workspace, b, name, stored))
    if path is not None:
        evaluate_missing(workspace, path, sides, quiet=as_json or markdown)
    found = comparing.compare(workspace, name, *sides, margin)
    if as_json:
        print_json(report(found))
    elif markdown:
        from engine.evals.comparison.summary import markdown as as_markdown

        click.echo(as_markdown(found), nl=False)
    else:
        show(found)
    if bless:
        label = comparing.bless(workspace, found)
        say(f"Blessed as the baseline of {name}: {label.value}")
    if gate and found.gate.verdict == "failed":
        raise click.exceptions.Exit(ExitCode.REFUSED)


def evaluate_missing(workspace: Workspace, suite: Path, sides: tuple[Asked, Asked], quiet: bool) -> None:
    """Evaluate, in one run, the variants that have no results yet."""
    from app.cli import watch
    from engine.jobs import comparing

    missing = [side for side in sides if side.run is None]
    if not missing:
        return
    names = list(dict.fromkeys(side.variant for side in missing))
    run = comparing.start_evaluation(workspace, suite, names)
    watch.watch(run, quiet)
    for side in missing:
        side.run = run


def report(found: Comparison) -> dict[str, Any]:
    """What `--json` prints."""
    from engine.evals.stats.power import detectable

    one = found.overall
    return {
        "suite": found.suite,
        "n": one.n,
        "a": one.a,
        "b": one.b,
        "diff": one.diff,
        "ci95": one.ci95,
        "p": one.p,
        "fixed": one.fixed,
        "broken": one.broken,
        "verdict": one.verdict,
        "detectable": detectable(one.n, one.fixed + one.broken),
        "gate": found.gate.verdict,
        "reasons": found.gate.reasons,
        "notices": found.notices,
        "sides": {"a": found.side_a, "b": found.side_b},
        "scores": found.scores,
        "slices": found.slices,
        "fixed_cases": found.fixed,
        "broken_cases": found.broken,
    }


def show(found: Comparison) -> None:
    """Cases first, then the figures, the verdict last: where the eye is."""
    from engine.evals.comparison.summary import VERDICTS, cost_words, interval_words, p_words, power_words

    for notice in found.notices:
        say(click.style(notice, fg="yellow", bold=True))
    show_cases("Broken", found.broken, "red")
    show_cases("Fixed", found.fixed, "green")
    rows = [("all cases", found.overall), *([("mean score", found.scores)] if found.scores else [])]
    rows += list(found.slices.items())
    print_table(
        ("", "n", "A", "B", "points (95%)", "p", "fixed", "broken", ""),
        [
            (
                name,
                one.n,
                f"{one.a:.1%}",
                f"{one.b:.1%}",
                interval_words(one),
                p_words(one.p if one.holm is None else one.holm),
                one.fixed,
                one.broken,
                click.style(VERDICTS[one.verdict], fg=COLOURS[one.verdict]),
            )
            for name, one in rows
        ],
        right=(1, 2, 3, 4, 5, 6, 7),
    )
    a, b = found.side_a, found.side_b
    say(f"\nA is {a.variant} ({a.run_id}), B is {b.variant} ({b.run_id}).")
    if found.slices:
        say("p-values of slices are corrected for their number (Holm).")
    say(cost_words(a.cost, b.cost))
    verdict = found.overall.verdict
    click.echo(f"\nVerdict: {click.style(VERDICTS[verdict], fg=COLOURS[verdict], bold=True)}.")
    if why := power_words(found.overall):
        click.echo(f"  {why}")
    if found.gate.verdict != "none":
        click.echo("\n  ".join([f"Gate:    {found.gate.verdict}", *found.gate.reasons]))


def show_cases(title: str, cases: list[ChangedCase], colour: str) -> None:
    """Cases that changed sides: what was asked, and both answers."""
    from app.cli.demo import shorten

    click.echo(click.style(f"{title}: {len(cases)}", fg=colour, bold=True))
    for case in cases[:SHOWN_CASES]:
        click.echo(f"  {case.case}  {shorten(case.input)}")
        click.echo(f"    A  {shorten(case.a_output)}\n    B  {shorten(case.b_output)}")
    if len(cases) > SHOWN_CASES:
        click.echo(f"  and {len(cases) - SHOWN_CASES} more: --json lists them")
    click.echo()
