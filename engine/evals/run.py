"""All cases through one answerer: a result per case as soon as it is there.

Knows nothing of models, files or stopping: whoever takes the results may raise to end the run, and keeps
what it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from engine.evals.checks import CompiledCheck, Reply
from engine.evals.identity import case_hash, checks_hash, question, slices_of
from engine.evals.trajectory import Answered, Trajectory
from store.records.evals import Case, CaseResult, CheckResult
from store.records.traces import Timings

CheckedCase = tuple[Case, Sequence[CompiledCheck]]
AskMany = Callable[[Sequence["Asking"]], Iterator[tuple[int, Answered]]]
"""Conversations to their answers, each with its place, in any order."""


class Item(msgspec.Struct):
    """One case to be asked once."""

    case: Case
    checks: Sequence[CompiledCheck]
    epoch: int = 0
    seed: int = 0


class Asking(msgspec.Struct):
    """What is asked in one round: an item, how far it is, and what the model read, where that is known."""

    item: Item
    trajectory: Trajectory
    prompt: str = ""


class Terms(msgspec.Struct):
    """What all results of a variant have in common. `threshold`: see store.records.evals.Suite."""

    suite: str
    variant: str
    variant_hash: str = ""
    threshold: float | None = None


def run(
    terms: Terms, items: Sequence[Item], ask: AskMany, emit: Callable[[CaseResult], None]
) -> list[CaseResult]:
    """Ask every item and judge the answers; `emit` gets each result at once.

    Errors of the answerer end the run: they are faults of the tool, not of the answer. A conversation that it
    cannot take, and says so in the answer, fails its case; a check that cannot judge is noted in the result.
    """
    results = []
    pending = [Asking(item, Trajectory(item.case)) for item in items]
    while pending:
        further = []
        for index, answer in ask(pending):
            asking = pending[index]
            asking.trajectory.take(answer)
            if not asking.trajectory.done:
                further.append(asking)
                continue
            result = judged(result_of(terms, asking), asking.item, terms.threshold)
            results.append(result)
            emit(result)
        pending = further
    return results


def result_of(terms: Terms, asking: Asking) -> CaseResult:
    """What a trajectory came to, not judged yet. Tokens and times of all its answers are added up."""
    item, trajectory = asking.item, asking.trajectory
    result = blank(terms, item)
    answers = trajectory.answers
    result.error = trajectory.error
    result.output = "" if trajectory.error else answers[-1].text
    result.finish_reason = answers[-1].finish_reason
    result.prompt_tokens = sum(answer.prompt_tokens for answer in answers)
    result.completion_tokens = sum(answer.completion_tokens for answer in answers)
    result.timings = Timings(
        sum(answer.timings.retrieval_ms for answer in answers),
        answers[0].timings.first_token_ms,
        sum(answer.timings.total_ms for answer in answers),
    )
    result.latency_ms = result.timings.total_ms
    result.prompt = asking.prompt
    result.hits = [hit for answer in answers for hit in answer.hits]
    result.citations = list(answers[-1].citations)
    result.choices = list(answers[-1].choices)
    if len(answers) > 1:
        result.steps = trajectory.steps
    if trajectory.has_tools:
        result.tool_calls = trajectory.calls
    return result


def blank(terms: Terms, item: Item) -> CaseResult:
    """The result of an item before it was asked."""
    case = item.case
    return CaseResult(
        terms.suite,
        terms.variant,
        case.id,
        question(case),
        output="",
        passed=False,
        score=0.0,
        checks=[],
        expected=case.expected,
        tags=case.tags,
        case_hash=case_hash(case),
        checks_hash=judged_by(case, item.checks),
        variant_hash=terms.variant_hash,
        epoch=item.epoch,
        seed=item.seed,
        group=case.group,
        slices=slices_of(case),
        metadata=case.metadata,
        messages=case.messages or case.before,
        expected_sources=case.expected_sources,
        expected_tool_calls=case.expected_tool_calls,
    )


def judged_by(case: Case, checks: Sequence[CompiledCheck]) -> str:
    """The hash of all that decides the case's verdict, the contents of files among it."""
    return checks_hash(case, [one.check for one in checks], [one.files for one in checks if one.files])


def judged(result: CaseResult, item: Item, threshold: float | None = None) -> CaseResult:
    """The result with the verdicts of the item's checks on its answer, whenever that was given.

    `threshold` is the suite's, for a case without one of its own.
    """
    if item.case.threshold is not None:
        threshold = item.case.threshold
    if result.error:
        result.checks = [check.unmet("no answer") for check in item.checks]
    else:
        reply = reply_of(result, item.case)
        result.checks = [check.judged(reply) for check in item.checks]
    result.passed, result.score = total(result.checks, threshold)
    return result


def reply_of(result: CaseResult, case: Case) -> Reply:
    """A stored answer as checks see it."""
    made = result.tool_calls if result.tool_calls or result.steps else None
    return Reply(
        result.output,
        case,
        tool_calls=made,
        hits=result.hits,
        citations=result.citations,
        latency_ms=result.latency_ms,
        prompt_tokens=result.prompt_tokens,
        completion_tokens=result.completion_tokens,
        finish_reason=result.finish_reason,
    )


def total(checks: Sequence[CheckResult], threshold: float | None) -> tuple[bool, float]:
    """Whether a case passes, and its score: the weighted mean of the checks that came to a verdict.

    Without a threshold every check of some weight must pass. With a check that could not judge it does not.
    """
    counted = [check for check in checks if check.weight and not check.error]
    weights = sum(check.weight for check in counted)
    score = sum(check.score * check.weight for check in counted) / weights if weights else 0.0
    if any(check.error for check in checks) or not counted:
        return False, score
    if threshold is not None:
        return score >= threshold - 1e-9, score
    return all(check.passed for check in counted), score


def by_text(cases: Iterable[CheckedCase]) -> list[CheckedCase]:
    """Cases with those of their checks that look at nothing but the answer's text; cases without any go."""
    kept = [(case, [check for check in checks if not check.kind.whole]) for case, checks in cases]
    return [(case, checks) for case, checks in kept if checks]
