"""Answers of an earlier evaluation, judged by the suite as it is now; nothing is generated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.evals import stored
from engine.evals.identity import case_hash
from engine.evals.run import CheckedCase, Item, Terms, blank, judged
from store import runs
from store.errors import UsageError
from store.records.evals import CaseResult
from store.workspace import Workspace


def answers(workspace: Workspace, reference: str, variants: Sequence[str]) -> dict[str, list[CaseResult]]:
    """The results of a run by variant; of all of them, or those named. Raises UsageError without any."""
    folder = runs.find(workspace.paths.runs, reference, "evaluate")
    found: dict[str, list[CaseResult]] = {}
    for result in stored.read(folder.results):
        if not variants or result.variant in variants:
            found.setdefault(result.variant, []).append(result)
    if not found:
        raise UsageError(
            "There is nothing to judge again",
            f"{folder.run_id} holds no answers" + (f" of {', '.join(variants)}." if variants else "."),
            "Evaluate first: temper eval SUITE --variant V",
        )
    return found


def rescore(
    terms: Terms,
    cases: Sequence[CheckedCase],
    earlier: Sequence[CaseResult],
    emit: Callable[[CaseResult], None],
    say: Callable[[str, str], None],
) -> list[CaseResult]:
    """Judge one variant's earlier answers. Cases not asked, or asked otherwise, are left out and said."""
    by_id: dict[str, list[CaseResult]] = {}
    for result in earlier:
        by_id.setdefault(result.case, []).append(result)
    made, missing, changed = [], 0, 0
    for case, checks in cases:
        there = by_id.get(case.id, [])
        # Results of the first Temper have no hash: there the question itself must be the same.
        same = [one for one in there if one.case_hash in ("", case_hash(case)) and one.input == case.input]
        missing += not there
        changed += bool(there) and not same
        for one in same:
            item = Item(case, checks, one.epoch, one.seed)
            result = judged(stored.with_answer_of(blank(terms, item), one), item, terms.threshold)
            emit(result)
            made.append(result)
    if missing or changed:
        say(
            f"{missing + changed} of {len(cases)} cases have no answer in that run",
            f"{missing} are new and {changed} ask something else now: they are left out of the scores.",
        )
    return made
