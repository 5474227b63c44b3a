"""`temper kb check`: is what should be found, found? Figures, settings side by side, warnings, a gate."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from app.cli.kb.options import kb_option
from app.cli.output import json_option, print_json, say
from store import knowledge
from store.errors import ExitCode, UsageError
from store.records.kb_check import Metric
from store.workspace import Workspace, open_workspace

METRICS = ("recall", "mrr", "ndcg", "token_recall", "token_precision", "token_iou")


@click.command()
@click.argument("questions", required=False, type=click.Path(path_type=Path))
@kb_option
@click.option("-k", default=5, show_default=True, type=click.IntRange(1, 100), help="Places that count.")
@click.option(
    "--compare",
    multiple=True,
    metavar="KEY=A,B",
    help="Try other settings: chunker, chunk_tokens, embedder, weights, diversity, ... Several: all pairs.",
)
@click.option("--by", default="mrr", show_default=True, type=click.Choice(METRICS), help="Compare by this.")
@click.option("--min", "least", multiple=True, metavar="METRIC=VALUE", help="Exit with 5 below this.")
@click.option("--gate", is_flag=True, help="Exit with 5 when [knowledge.NAME.gate] is not satisfied.")
@click.option("--bless", is_flag=True, help="Make the figures the baseline that max_fall holds to.")
@click.option("--generate", type=click.IntRange(1, 10_000), help="Let a model write so many, to review.")
@click.option("--model", help="The model or variant that writes them.")
@click.option("--out", type=click.Path(path_type=Path), help="The file they are written to.")
@json_option
def check(
    questions: Path | None,
    name: str | None,
    k: int,
    compare: tuple[str, ...],
    by: Metric,
    least: tuple[str, ...],
    gate: bool,
    bless: bool,
    generate: int | None,
    model: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Ask QUESTIONS (else evals/retrieval/KB.yaml, .jsonl or .csv) and measure what is found.

    Each has `question` and `expected`: documents, or parts of them in characters (refunds.md:120-240);
    or `quotes`: texts that stand in a document.
    """
    from engine.retrieval.sources import choose_base

    workspace = open_workspace()
    name = choose_base(workspace, name)
    workspace.knowledge(name)
    knowledge.load_manifest(workspace.paths, name)
    if generate is not None:
        write_questions(workspace, name, generate, model, out, as_json)
        return
    if model or out:
        raise UsageError(
            "Nothing is to be written", "--model and --out go with --generate.", "Add --generate 30."
        )
    ask(workspace, name, questions, k, compare, by, least, gate, bless, as_json)


def ask(
    workspace: Workspace,
    name: str,
    questions: Path | None,
    k: int,
    compare: tuple[str, ...],
    by: Metric,
    least: tuple[str, ...],
    gate: bool,
    bless: bool,
    as_json: bool,
) -> None:
    """Run the check and show it; what cannot be is told before anything starts."""
    from app.cli.kb.check_report import print_report
    from app.cli.watch import watch
    from engine.jobs import launch
    from engine.jobs.kb_check import KbCheckParams, need_arms, report_of
    from engine.retrieval.checking import axes, gating
    from engine.retrieval.checking.question_files import find_questions, read_questions

    settings = workspace.knowledge(name)
    held = gating.rules(name, settings.gate, gate, gating.limits(least))
    baseline = gating.blessed(workspace.paths, name)
    if not bless:
        gating.need_baseline(name, held, baseline)
    path = find_questions(workspace.root / "evals", name, questions)
    read_questions(path)
    params = KbCheckParams(name, str(path), k, axes.combinations(compare), by)
    need_arms(workspace, params)
    shown = f"temper kb check {path} --kb {name} -k {k}" + "".join(f" --compare {one}" for one in compare)
    folder = launch.start(workspace, "kb_check", params, f"check {name}", shown)
    report = report_of(watch(folder, quiet=as_json).result)
    outcome = gating.judge(report, held, baseline)
    if as_json:
        print_json({"run_id": folder.run_id, **msgspec.to_builtins(report), "gate": outcome})
    else:
        print_report(report, outcome)
    if bless:
        label = gating.bless(workspace.paths, report, folder.run_id)
        say(f"Blessed as the baseline of {name}: {label.note}")
    if outcome.verdict == "failed":
        raise click.exceptions.Exit(ExitCode.REFUSED)


def write_questions(
    workspace: Workspace, name: str, count: int, model: str | None, out: Path | None, as_json: bool
) -> None:
    """Let a model write questions into a file to review."""
    from app.cli.watch import watch
    from engine.jobs import launch
    from engine.jobs.kb_questions import KbQuestionsParams, model_for
    from engine.retrieval.checking.question_files import FOLDER, need_new

    path = (out or workspace.root / "evals" / FOLDER / f"{name}.yaml").absolute()
    need_new(path)
    params = KbQuestionsParams(name, count, model_for(workspace, name, model), str(path))
    command = f"temper kb check --kb {name} --generate {count}"
    folder = launch.start(workspace, "kb_questions", params, f"questions about {name}", command)
    view = watch(folder, quiet=as_json)
    if as_json:
        print_json({"run_id": folder.run_id} | view.result)
        return
    click.echo(f"{view.result['questions']} questions written to {view.result['out']}")
    say("Look at each, mend or remove it, and set `unreviewed: false`. Then: temper kb check --kb " + name)
