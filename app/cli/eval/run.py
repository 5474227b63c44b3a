"""`temper eval SUITE`: run a suite against variants in a detached job, watch it, print the scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from app.cli.output import cpu_option, json_option, print_json, print_table, say
from store import runs
from store.errors import TemperError
from store.records.evals import Agreement, CasesFrom, Interval, VariantScore
from store.records.runs import RunView
from store.runs import RunFolder
from store.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from engine.jobs.evaluate import EvaluateParams

SHOWN_REASONS = 5


@click.command("run")
@click.argument("suite")
@click.option(
    "--variant", "variants", multiple=True, help="A variant, run, `last` or model; may be repeated."
)
@click.option(
    "--limit", type=click.IntRange(min=1), help="At most this many cases, evenly spread over the suite."
)
@click.option("--epochs", type=click.IntRange(min=1), help="Ask each case this often, with other seeds.")
@click.option("--fresh", is_flag=True, help="Take no answers over from earlier runs.")
@click.option("--no-watch", is_flag=True, help="Start the run and return.")
@cpu_option
@json_option
def evaluate(
    suite: str,
    variants: tuple[str, ...],
    limit: int | None,
    epochs: int | None,
    fresh: bool,
    no_watch: bool,
    as_json: bool,
) -> None:
    """Run SUITE (a file, a name in evals/, or `forgetting`, which Temper brings) against variants."""
    workspace = open_workspace()
    params = checked_params(workspace, suite, variants)
    params.limit, params.epochs, params.fresh = limit, epochs, fresh
    start(workspace, params, f"{Path(params.suite).stem}: {', '.join(params.variants)}", no_watch, as_json)


@click.command()
@click.argument("run", default="last")
@click.option("--suite", help="Another suite than the one that the run was of.")
@click.option("--variant", "variants", multiple=True, help="Only this one of the run; may be repeated.")
@click.option("--no-watch", is_flag=True, help="Start the run and return.")
@cpu_option
@json_option
def rescore(run: str, suite: str | None, variants: tuple[str, ...], no_watch: bool, as_json: bool) -> None:
    """Judge the answers of RUN (an evaluation, the last one if left out) by its suite as it is now.

    Nothing is asked again: change checks, expected answers or thresholds and see what they would have said.
    """
    from engine.evals.suite import find_suite, load_suite, named
    from engine.jobs.evaluate import EvaluateParams
    from engine.jobs.evaluating.rescoring import answers

    workspace = open_workspace()
    folder = runs.find(workspace.paths.runs, run, "evaluate")
    answers(workspace, folder.run_id, variants)  # a run that has nothing to judge is not started
    earlier = msgspec.convert(folder.spec().params, EvaluateParams)
    path = find_suite(workspace.root, suite or earlier.suite, Path.cwd())
    load_suite(path, workspace.root)
    params = EvaluateParams(named(workspace.root, path), list(variants), earlier.limit, rescore=folder.run_id)
    start(workspace, params, f"{path.stem}: {folder.run_id} judged again", no_watch, as_json)


def start(workspace: Workspace, params: EvaluateParams, title: str, no_watch: bool, as_json: bool) -> None:
    """Start the job, watch it, print the scores."""
    from engine.jobs import launch

    follow(launch.start(workspace, "evaluate", params, title, command_line(params)), no_watch, as_json)


def follow(folder: RunFolder, no_watch: bool, as_json: bool) -> None:
    """Watch an evaluation that was started and print its scores.

    Raises TemperError where no answer of a variant could be judged: that is no score.
    """
    from app.cli import watch

    if no_watch:
        watch.say_queue(folder)
        watch.print_started(folder, as_json)
        return
    view = watch.watch(folder, quiet=as_json)
    print_ended(folder, view, as_json)


def print_ended(folder: RunFolder, view: RunView, as_json: bool = False) -> None:
    """The scores of an evaluation that has finished. Raises as `check_judged` does, behind them."""
    if as_json:
        print_json(report(view))
    else:
        print_scores(folder, view)
    check_judged(folder.run_id, msgspec.convert(view.result["variants"], list[VariantScore]))


def check_judged(run_id: str, scores: Sequence[VariantScore]) -> None:
    """Raise TemperError that names the variants of which nothing could be judged."""
    if unknown := [score.name for score in scores if score.errors and not score.n]:
        raise TemperError(
            "No answer could be judged",
            f"{', '.join(unknown)}: every case has a check that came to no verdict.",
            f"Mend what is named above, then judge the same answers again: temper eval rescore {run_id}",
        )


def checked_params(workspace: Workspace, suite: str, variants: Sequence[str]) -> EvaluateParams:
    """The job's parameters, once the suite is known to be right and every variant to exist.

    A run that could only fail is not started. Raises UsageError or MissingError.
    """
    from engine.data.ensure import check_reference
    from engine.evals.suite import find_suite, load_suite, named
    from engine.jobs.evaluate import EvaluateParams
    from engine.models.variants import describe

    path = find_suite(workspace.root, suite, Path.cwd())
    loaded = load_suite(path, workspace.root)
    if isinstance(loaded.suite.cases, CasesFrom):
        check_reference(workspace, loaded.suite.cases.dataset)
    names = list(dict.fromkeys(variants)) or [describe(workspace, None).name]
    judge = [loaded.suite.judge.model] if loaded.suite.judge else []
    for name in [*names, *judge]:
        found = describe(workspace, name)
        if found.knowledge and name in names:  # a judge reads no passages
            from store import knowledge

            knowledge.load_manifest(workspace.paths, found.knowledge)
    return EvaluateParams(named(workspace.root, path), names)


def command_line(params: EvaluateParams) -> str:
    """The command that asks for the same again."""
    variants = "".join(f" --variant {name}" for name in params.variants)
    if params.rescore:
        return f"temper eval rescore {params.rescore} --suite {params.suite}{variants}"
    limit = f" --limit {params.limit}" if params.limit else ""
    epochs = f" --epochs {params.epochs}" if params.epochs else ""
    return f"temper eval {params.suite}{variants}{limit}{epochs}" + (" --fresh" if params.fresh else "")


def report(view: RunView) -> dict[str, Any]:
    """What `--json` prints."""
    result = view.result
    return {
        "run_id": view.run_id,
        "suite": result["suite"],
        "variants": result["variants"],
        "baselines": result["baselines"],
        "judges": result.get("judges", []),
    }


def print_scores(folder: RunFolder, view: RunView) -> None:
    """A line per variant and baseline: share of passed cases ± standard error, then each check; then slices,
    errors and what the judge is worth.
    """
    scores = msgspec.convert(view.result["variants"], list[VariantScore])
    baselines = msgspec.convert(view.result["baselines"], dict[str, VariantScore])
    everyone = [*scores, *baselines.values()]
    checks = list(dict.fromkeys(name for score in everyone for name in score.checks))
    print_table(
        ("variant", "n", "score", "±", "95%", *checks),
        [
            (
                f"({score.name})" if score.name in baselines else score.name,
                score.n,
                f"{score.score:.1%}" if score.n else "-",
                f"{score.stderr:.1%}" if score.n else "-",
                interval_words(score.ci95 if score.n else None),
                *(how_sure(score, name) for name in checks),
            )
            for score in everyone
        ],
        right=range(1, 5 + len(checks)),
    )
    print_slices(scores)
    if baselines:
        say("(majority): the most frequent answer, given to every case.")
    for score in scores:
        say_more(folder, score)
    for one in msgspec.convert(view.result.get("judges", []), list[Agreement]):
        share = f"{one.share:.1%} ({interval_words(one.ci95)})"
        kappa = f"kappa {one.kappa:.2f}, {one.kappa_low:.2f} to {one.kappa_high:.2f}"
        say(f"{one.check} agrees with people on {share} of {one.n} answers ({kappa}).")
    say(f"Run {view.run_id}")


def interval_words(span: Interval | None) -> str:
    """`85-97%`, a 95% interval, which also says how sure none and all are; a dash where there is none."""
    return f"{span[0]:.0%}-{span[1]:.0%}".replace("%-", "-") if span else "-"


def how_sure(score: VariantScore, check: str) -> str:
    """A check's score, ± its standard error, and its 95% interval; empty where it was not applied."""
    if check not in score.checks:
        return ""
    error, span = score.checks_stderr.get(check, 0.0), score.checks_ci95.get(check)
    return f"{score.checks[check]:.1%} ±{error:.1%} {interval_words(span)}"


def print_slices(scores: Sequence[VariantScore]) -> None:
    """A line per slice and variant, where there are slices."""
    rows = [
        (
            name,
            score.name,
            part.n,
            f"{part.score:.1%}",
            f"{part.stderr:.1%}",
            interval_words(part.ci95),
        )
        for score in scores
        for name, part in score.slices.items()
    ]
    if rows:
        click.echo()
        print_table(("slice", "variant", "n", "score", "±", "95%"), rows, right=range(2, 6))


def say_more(folder: RunFolder, score: VariantScore) -> None:
    """What a reader of a score must know besides."""
    if score.errors:
        from engine.jobs.eval_results import why_unjudged

        say(f"{score.name}: {score.errors} could not be judged and count nowhere:")
        whys = why_unjudged(folder, score.name)
        for why, count in whys[:SHOWN_REASONS]:
            say(f"  {count} x {why}")
        if len(whys) > SHOWN_REASONS:
            say(f"  and {len(whys) - SHOWN_REASONS} more: temper eval export {folder.run_id} --to html")
    if score.fragility is not None:
        share = f"{score.fragility:.1%} ({interval_words(score.fragility_ci95)})"
        say(f"{score.name}: {share} of the questions pass in some wordings and fail in others.")
    if score.judge:
        said = f"{score.name}: judged by {score.judge}"
        say(f"{said}, which is itself: do not trust that." if score.judges_itself else f"{said}.")
