"""`temper eval`: run a suite against variants in a detached job, watch it, print the scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from app.cli.output import cpu_option, json_option, print_json, print_table, say
from store.records.evals import VariantScore
from store.records.runs import RunView
from store.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from engine.jobs.evaluate import EvaluateParams


@click.command()
@click.argument("suite")
@click.option(
    "--variant", "variants", multiple=True, help="A variant, run, `last` or model; may be repeated."
)
@click.option(
    "--limit", type=click.IntRange(min=1), help="At most this many cases, evenly spread over the suite."
)
@click.option("--no-watch", is_flag=True, help="Start the run and return.")
@cpu_option
@json_option
def evaluate(suite: str, variants: tuple[str, ...], limit: int | None, no_watch: bool, as_json: bool) -> None:
    """Run SUITE (a file, or a name in evals/) against variants."""
    from app.cli import watch
    from engine.jobs import launch

    workspace = open_workspace()
    params = checked_params(workspace, suite, variants, limit)
    title = f"{Path(params.suite).stem}: {', '.join(params.variants)}"
    folder = launch.start(workspace, "evaluate", params, title, command_line(params))
    if no_watch:
        watch.say_queue(folder)
        watch.print_started(folder, as_json)
        return
    view = watch.watch(folder, quiet=as_json)
    if as_json:
        print_json(report(view))
    else:
        print_scores(view)


def checked_params(
    workspace: Workspace, suite: str, variants: Sequence[str], limit: int | None
) -> EvaluateParams:
    """The job's parameters, once the suite is known to be right and every variant to exist.

    A run that could only fail is not started. Raises UsageError or MissingError.
    """
    from engine.evals.suite import find_suite, load_suite
    from engine.jobs.evaluate import EvaluateParams
    from engine.models.variants import describe

    path = find_suite(workspace.root, suite, Path.cwd())
    load_suite(path, workspace.root)
    names = list(dict.fromkeys(variants)) or [describe(workspace, None).name]
    for name in names:
        describe(workspace, name)
    shown = path.relative_to(workspace.root) if path.is_relative_to(workspace.root) else path
    return EvaluateParams(str(shown), names, limit)


def command_line(params: EvaluateParams) -> str:
    """The command that asks for the same again."""
    variants = "".join(f" --variant {name}" for name in params.variants)
    return f"temper eval {params.suite}{variants}" + (f" --limit {params.limit}" if params.limit else "")


def report(view: RunView) -> dict[str, Any]:
    """What `--json` prints."""
    result = view.result
    return {
        "run_id": view.run_id,
        "suite": result["suite"],
        "variants": result["variants"],
        "baselines": result["baselines"],
    }


def print_scores(view: RunView) -> None:
    """A line per variant and baseline: share of passed cases ± standard error, then each check."""
    scores = msgspec.convert(view.result["variants"], list[VariantScore])
    baselines = msgspec.convert(view.result["baselines"], dict[str, VariantScore])
    shown = [*scores, *baselines.values()]
    checks = list(dict.fromkeys(name for score in shown for name in score.checks))
    print_table(
        ("variant", "n", "score", "±", *checks),
        [
            (
                f"({score.name})" if score.name in baselines else score.name,
                score.n,
                f"{score.score:.1%}",
                f"{score.stderr:.1%}",
                *(f"{score.checks[name]:.1%}" if name in score.checks else "" for name in checks),
            )
            for score in shown
        ],
        right=range(1, 4 + len(checks)),
    )
    if baselines:
        say("(majority): the most frequent answer, given to every case.")
    say(f"Run {view.run_id}")
