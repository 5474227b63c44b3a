"""What a rule may look at: the failed result's checks that decided, and what was answered beside it.

Checks are told apart by their kind, never by the name that somebody gave them. Knows no category.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from engine.evals.triage.texts import CLOSED_LETTERS
from store.records.evals import CaseResult, CheckResult

TRUSTED, ENOUGH = 2 / 3, 10
"""A variant that passes so large a share of so many cases is worth hearing where no judge was asked."""
_NUMBER = re.compile(r"-\d+$")

Others = Mapping[str, Sequence[CaseResult]]
"""Results of the same cases by other variants, by case id."""


class Seen(msgspec.Struct, frozen=True):
    """What is known beside one failed result.

    `others` are other variants' results of the same case. `closed` are answers that are labels of a closed
    set. `trusted` is the share of cases that a variant passes, of those that are worth hearing.
    """

    others: Sequence[CaseResult] = ()
    closed: Collection[str] = ()
    trusted: Mapping[str, float] = {}


def seen_beside(results: Sequence[CaseResult], others: Others) -> Seen:
    """What is known beside all results of a run; `others` of one case are put in for that case."""
    everything = [*results, *(one for several in others.values() for one in several)]
    return Seen(closed=closed_answers(everything), trusted=trusted_variants(everything))


def closed_answers(results: Iterable[CaseResult]) -> set[str]:
    """Expected answers that are short and stand at more than one case: labels, not facts."""
    cases: dict[str, set[str]] = defaultdict(set)
    for result in results:
        if result.expected is not None and len(result.expected) <= CLOSED_LETTERS:
            cases[result.expected].add(result.case)
    return {answer for answer, found in cases.items() if len(found) > 1}


def trusted_variants(results: Iterable[CaseResult]) -> dict[str, float]:
    """The share of cases that a variant passes, of those that pass TRUSTED of ENOUGH."""
    passed: dict[str, list[bool]] = defaultdict(list)
    for result in results:
        passed[result.variant].append(result.passed)
    shares = {name: sum(found) / len(found) for name, found in passed.items() if len(found) >= ENOUGH}
    return {name: share for name, share in shares.items() if share >= TRUSTED}


def failed_checks(result: CaseResult) -> list[CheckResult]:
    """The checks that the answer failed. One of weight 0 is only reported: it decides nothing."""
    return [check for check in result.checks if not check.passed and check.weight > 0]


def failed_of(result: CaseResult, *kinds: str) -> CheckResult | None:
    """The first failed check of one of these kinds."""
    return next((check for check in failed_checks(result) if kind_of(check) in kinds), None)


def kind_of(check: CheckResult) -> str:
    """The kind of a check; lines of an older Temper have only its name, which mostly is the kind."""
    return check.of_kind or _NUMBER.sub("", check.kind)


def told(check: CheckResult) -> str:
    """A failed check as evidence."""
    return f"{check.kind}: {check.detail}"
