"""The failures of a run: each failed result with the first guess that a rule makes, and its evidence.

Rules (rules/) look at what is recorded: checks, passages, tool calls, other variants' answers. They are made
to be corrected by a person; none of them reads minds. Knows nothing of labels.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine.evals.triage.rules import RULES
from engine.evals.triage.rules.sources import sources_found
from engine.evals.triage.seen import Others, Seen, seen_beside
from store.records.evals import CaseResult
from store.records.triage import Failure, Guess

FORMERLY = {"wrong_answer": ("agreed_against", "invalid_choice", "invalid_regex")}
"""Rules that named a failure before, by the one that does now: what was decided under these still holds."""


def failures_of(results: Iterable[CaseResult], run_id: str, others: Others | None = None) -> list[Failure]:
    """The failed results of a run with a guess each; several epochs of a case that fail alike are one."""
    found: dict[str, Failure] = {}
    results, others = list(results), others or {}
    beside = seen_beside(results, others)
    for result in results:
        if result.passed or not result.judged:
            continue
        seen = msgspec.structs.replace(beside, others=others.get(result.case, ()))
        failure = failure_of(result, run_id, guess_of(result, seen))
        if failure.target in found:
            found[failure.target].weight += 1
        else:
            found[failure.target] = failure
    return list(found.values())


def guess_of(result: CaseResult, seen: Seen | None = None) -> Guess:
    """What the first rule that applies says."""
    seen = seen or Seen()
    return next(guess for rule in RULES if (guess := rule(result, seen)) is not None)


def failure_of(result: CaseResult, run_id: str, guess: Guess) -> Failure:
    """A failed result under the name by which it is decided upon."""
    asked = f"{result.suite}/{result.case}"
    return Failure(
        f"{asked}#{guess.rule}",
        run_id,
        result.case,
        result.input,
        result.output,
        guess,
        expected=result.expected or "",
        variant=result.variant,
        source_in_context=sources_found(result),
        known_as=[f"{asked}#{rule}" for rule in FORMERLY.get(guess.rule, ())],
    )
