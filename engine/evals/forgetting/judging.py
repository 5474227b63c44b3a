"""Whether a model has forgotten what it could do before it was trained, and what helps against it.

Beside the general loss of every run (engine.training.outcome), which is finer and says less: an answer that
no longer keeps to its form is what a user meets. Knows nothing of runs and files.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.evals.comparison.verdicts import compare
from engine.evals.stats.power import detectable
from store.records.comparing import Comparison, Side
from store.records.evals import CaseResult
from store.records.forgetting import Forgetting
from store.records.outcome import Point
from store.records.recipe import Recipe

LOWER = 3
"""By so much the learning rate is to be divided."""
KIND = "kind="


def judge(
    run_id: str,
    before: Sequence[CaseResult],
    after: Sequence[CaseResult],
    recipe: Recipe,
    better: Point | None = None,
) -> Forgetting:
    """The verdict on a run of `recipe`; `better` is an earlier evaluation that is the better trade."""
    found = compare("forgetting", Side(recipe.base), Side(run_id), before, after)
    kinds = {name.removeprefix(KIND): one for name, one in found.slices.items() if name.startswith(KIND)}
    one = found.overall
    worse = [name for name, kind in kinds.items() if kind.verdict == "worse"]
    verdict: str = "too_small" if one.verdict == "too_small" else "kept"
    if one.verdict == "worse" or worse:
        verdict = "forgotten"
    return Forgetting(
        run_id,
        verdict,  # type: ignore[arg-type]  # one of the three
        one,
        kinds,
        found.broken,
        remedies(recipe, better) if verdict == "forgotten" else [],
        headline(found, verdict, worse),
        detectable(one.n, one.fixed + one.broken),
    )


def headline(found: Comparison, verdict: str, worse: Sequence[str]) -> str:
    """The verdict with its figures, in a sentence."""
    one = found.overall
    figures = (
        f"{one.a:.0%} of {one.n} cases before, {one.b:.0%} after "
        f"({100 * one.diff:+.0f} points, 95% {100 * one.ci95[0]:+.0f} to {100 * one.ci95[1]:+.0f}; "
        f"{one.broken} lost, {one.fixed} gained)"
    )
    least = detectable(one.n, one.fixed + one.broken)
    sees = f" So many cases show a loss of {100 * least:.0f} points in four of five tries."
    if one.a < least:
        sees = f" The base itself passes no more than {one.a:.0%}, so there is little to lose here."
    if verdict == "forgotten":
        most = f", most of all {', '.join(worse)}" if worse else ""
        return f"It has forgotten{most}: {figures}."
    if verdict == "kept":
        return f"Nothing is lost that the pack can see: {figures}.{sees}"
    return f"Too few cases to tell: {figures}.{sees}"


def remedies(recipe: Recipe, better: Point | None) -> list[str]:
    """What helps, cheapest first."""
    said = []
    if better is not None and better.checkpoint:
        said.append(f"take the earlier checkpoint of step {better.step}: {better.checkpoint}")
    elif better is not None:
        said.append(f"stop earlier: --set max_steps={better.step}")
    said.append(f"a lower rate: --set learning_rate={recipe.learning_rate / LOWER:.1e}")
    if not recipe.replay_dataset:
        said.append("replay general rows: --set replay_dataset=NAME")
    else:
        said.append(f"more replay: --set replay_share={min(0.9, 2 * recipe.replay_share):.2g}")
    return said
