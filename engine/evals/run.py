"""All cases through one answerer: a result per case as soon as it is there, a score at the end.

Knows nothing of models, files or stopping: whoever takes the results may raise to end the run, and keeps
what it was given.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from engine.evals.checks import CompiledCheck
from engine.evals.stats import standard_error
from store.errors import UsageError
from store.records.data import Message
from store.records.evals import Case, CaseResult, CheckResult, VariantScore


class Answer(Protocol):
    """What an answerer gives back; tokens as its model counts them."""

    @property
    def text(self) -> str:
        """The answer."""

    @property
    def prompt_tokens(self) -> int:
        """Tokens read."""

    @property
    def completion_tokens(self) -> int:
        """Tokens written."""


class Answerer(Protocol):
    """Whatever answers a conversation. Raises UsageError for one that it cannot take."""

    def answer(self, messages: Sequence[Message]) -> Answer:
        """The next assistant message."""


CheckedCase = tuple[Case, Sequence[CompiledCheck]]


def evaluate(
    suite: str,
    variant: str,
    cases: Iterable[CheckedCase],
    answerer: Answerer,
    emit: Callable[[CaseResult], None],
) -> VariantScore:
    """Ask every case and judge the answers; `emit` gets each result at once.

    Errors other than UsageError from the answerer, and all from checks, end the run: they are faults of the
    tool, not of the answer.
    """
    results = []
    for case, checks in cases:
        result = judge_case(suite, variant, case, checks, answerer)
        results.append(result)
        emit(result)
    return score_of(variant, results)


def judge_case(
    suite: str, variant: str, case: Case, checks: Sequence[CompiledCheck], answerer: Answerer
) -> CaseResult:
    """Ask one case and judge the answer. A conversation that the answerer cannot take fails every check."""
    begin = time.perf_counter()
    result = CaseResult(
        suite,
        variant,
        case.id,
        case.input,
        output="",
        passed=False,
        score=0.0,
        checks=[],
        expected=case.expected,
        tags=case.tags,
    )
    try:
        answer = answerer.answer([*case.before, Message("user", case.input)])
    except UsageError as error:
        result.error = f"{error.title}: {error.happened}"
        result.checks = [CheckResult(check.name, False, 0.0, "no answer") for check in checks]
        return result
    result.latency_ms = round((time.perf_counter() - begin) * 1000, 3)
    result.output = answer.text
    result.prompt_tokens, result.completion_tokens = answer.prompt_tokens, answer.completion_tokens
    result.checks = [check.result(answer.text, case) for check in checks]
    result.passed = all(check.passed for check in result.checks)
    result.score = sum(check.score for check in result.checks) / len(result.checks)
    return result


def score_of(variant: str, results: Sequence[CaseResult]) -> VariantScore:
    """The share of passed cases with its standard error, and the mean of each check where it was applied."""
    scores: dict[str, list[float]] = defaultdict(list)
    for result in results:
        for check in result.checks:
            scores[check.kind].append(check.score)
    n, passed = len(results), sum(result.passed for result in results)
    means = {name: sum(values) / len(values) for name, values in scores.items()}
    return VariantScore(variant, n, passed / n if n else 0.0, standard_error(passed, n), means)
