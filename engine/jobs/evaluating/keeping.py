"""What an earlier worker of the same run has answered, and what of it still holds."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.evals import stored
from engine.evals.identity import case_hash
from engine.evals.run import CheckedCase, judged_by, total
from engine.jobs.context import JobContext
from store.records.evals import CaseResult


class Kept(msgspec.Struct):
    """Results that hold as they are, and answers to questions that are judged otherwise by now."""

    results: list[CaseResult] = []
    answers: list[CaseResult] = []


def kept(context: JobContext, cases: Sequence[CheckedCase], threshold: float | None) -> Kept:
    """What is there of this run. Where the suite was changed meanwhile, that is said; no good answer is lost.

    `threshold` is the suite's: it decides without the checks, so results are settled by the one of now.
    """
    path = context.folder.results
    there = list(stored.read(path))
    if not there:
        return Kept()
    now = {case.id: (case, case_hash(case), judged_by(case, checks)) for case, checks in cases}
    found = Kept()
    for one in there:
        case, asked, judged = now.get(one.case, (None, "", ""))
        if case is None or asked != one.case_hash:
            continue
        if judged != one.checks_hash:
            found.answers.append(one)
            continue
        if not one.error:
            bound = threshold if case.threshold is None else case.threshold
            one.passed, one.score = total(one.checks, bound)
        found.results.append(one)
    stored.rewrite(path, found.results)
    gone = len(there) - len(found.results) - len(found.answers)
    if gone or found.answers:
        context.notice(
            "The suite was changed since this run began",
            f"{len(found.answers)} answers are judged anew, {gone} are to questions that it asks no more.",
        )
    return found
