"""The job `evaluate`: a suite's cases through each variant, results on disk as they come, then the scores.

A worker that takes up an interrupted run keeps what is there: only cases that were in flight are asked again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from engine.evals import stored
from engine.evals.baselines import NAME, majority_baseline
from engine.evals.run import CheckedCase, Terms
from engine.evals.scores import score_of
from engine.evals.suite import LoadedSuite, find_suite, load_suite
from engine.jobs.context import JobContext
from engine.jobs.evaluating.asking import (
    answers_of_earlier_runs,
    evaluate_variant,
    given_away_by,
    hash_of,
    items_of,
)
from engine.jobs.evaluating.cases import checked_cases, training_answers
from engine.jobs.evaluating.helping import JUDGES, Help
from engine.jobs.evaluating.keeping import Kept, kept
from engine.jobs.evaluating.rescoring import answers, rescore
from store.errors import UsageError
from store.records.evals import CaseResult, VariantScore
from store.workspace import Workspace

__all__ = ["EvaluateParams", "checked_cases", "run", "training_answers"]


class EvaluateParams(msgspec.Struct):
    """What to evaluate. `variants` empty means the default one; `limit`: that many cases, evenly spread.

    `epochs` and `judge` go before the suite's own. `fresh`: take no answers over from earlier runs.
    `rescore` is a run whose answers are judged again; nothing is asked then. `quant` is a GGUF type that all
    variants are run in.
    """

    suite: str
    variants: list[str] = []
    limit: int | None = None
    epochs: int | None = None
    fresh: bool = False
    rescore: str = ""
    quant: str = ""


def run(context: JobContext) -> dict[str, Any]:
    """Evaluate; the result is {suite, variants: [VariantScore], baselines: {majority: ...}, judges}."""
    params = context.params(EvaluateParams)
    workspace = context.workspace()
    loaded = load_suite(find_suite(workspace.root, params.suite), workspace.root)
    cases = checked_cases(workspace, loaded, params.limit)
    judging = [check for check in loaded.compiled() if check.kind.name in JUDGES]
    before = kept(context, cases, loaded.suite.threshold)
    with (
        kept_whatever_happens(context),
        stored.Results(context.folder.results) as results,
        Help(workspace, loaded) as help_,
    ):
        help_.resolve_judge([check for _, checks in cases for check in checks])
        if params.rescore:
            scores = judge_again(context, workspace, loaded, params, cases, results)
        else:
            scores = [
                ask(context, workspace, loaded, params, cases, results, reference, before)
                for reference in dict.fromkeys(params.variants or [""])
            ]
        agreements = help_.agreements(judging)
        for score in scores if help_.judge else []:
            score.judge, score.judges_itself = help_.judge, help_.judges_itself(score.name)
        baseline = majority_baseline(loaded.suite.name, cases, training_answers(workspace, loaded))
    return {
        "suite": loaded.suite.name,
        "variants": [msgspec.to_builtins(score) for score in scores],
        "baselines": {NAME: msgspec.to_builtins(baseline)} if baseline else {},
        "judges": [msgspec.to_builtins(one) for one in agreements],
    }


@contextmanager
def kept_whatever_happens(context: JobContext) -> Iterator[None]:
    """Name the results as the run's, also where it is stopped or fails half-way: they can be exported."""
    try:
        yield
    finally:
        path = context.folder.results
        if path.is_file() and path.stat().st_size:
            context.artifact("results", path, "results")


def ask(
    context: JobContext,
    workspace: Workspace,
    loaded: LoadedSuite,
    params: EvaluateParams,
    cases: list[CheckedCase],
    results: stored.Results,
    reference: str,
    before: Kept,
) -> VariantScore:
    """All cases through one variant, and its score."""
    from engine.models.variants import resolve

    variant = resolve(workspace, reference or None, context.notice, params.quant)
    terms = Terms(loaded.suite.name, variant.name, hash_of(workspace, variant), loaded.suite.threshold)
    items = items_of(cases, variant, params.epochs or loaded.suite.epochs, context.notice)
    tell_given_away(context, variant.name, given_away_by(variant, items), len(cases))
    done = [
        one for one in before.results if (one.variant, one.variant_hash) == (variant.name, terms.variant_hash)
    ]
    known = {stored.key_of(one): one for one in before.answers if not one.error}
    if not params.fresh:
        known = answers_of_earlier_runs(context, workspace, terms.variant_hash) | known
    made = evaluate_variant(context, workspace, variant, terms, items, results, done, known)
    score = score_of(variant.name, made.results)
    if score.cost is not None:
        score.cost.joules = made.joules
    return score


def tell_given_away(context: JobContext, variant: str, given: list[str], cases: int) -> None:
    """Say loudly which cases a variant's few-shot rows answer: passing those shows nothing."""
    if given:
        names = ", ".join(given[:20]) + (f" and {len(given) - 20} more" if len(given) > 20 else "")
        context.notice(
            f"{len(given)} of {cases} cases stand in the prompt of {variant}",
            f"Its few-shot rows show {names} with the answer: its score is too good by up to "
            f"{len(given) / cases:.1%}. Take them out of the suite or of the dataset, or choose other rows "
            "(few_shot.seed).",
            warn=True,
        )


def judge_again(
    context: JobContext,
    workspace: Workspace,
    loaded: LoadedSuite,
    params: EvaluateParams,
    cases: list[CheckedCase],
    results: stored.Results,
) -> list[VariantScore]:
    """The scores of an earlier run's answers under the suite as it is now."""
    scores = []
    for name, earlier in answers(workspace, params.rescore, params.variants).items():
        meter = context.progress(f"judge {name}", len(earlier))
        made: list[CaseResult] = []

        def emit(result: CaseResult, made: list[CaseResult] = made, meter: Any = meter) -> None:
            results.append(result)
            made.append(result)
            meter.advance(len(made))

        terms = Terms(loaded.suite.name, name, earlier[0].variant_hash, loaded.suite.threshold)
        rescore(terms, cases, earlier, emit, context.notice)
        scores.append(score_of(name, made))
    if not any(score.cases or score.errors for score in scores):
        raise UsageError(
            "There is nothing to judge again",
            f"None of the suite's {len(cases)} cases was answered in {params.rescore}.",
            "Evaluate anew: temper eval SUITE",
        )
    return scores
