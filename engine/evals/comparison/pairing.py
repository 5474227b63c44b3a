"""Results of two variants become pairs of the same case; what cannot be paired is said aloud.

Epochs of a case are one: the mean of their passes and scores. Results that no check could judge count
nowhere. Knows nothing of statistics.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from store.errors import UsageError
from store.records.evals import CaseResult


class Pair(msgspec.Struct):
    """One case on both sides: shares of passed epochs, mean scores, and a result of each side to show."""

    case: str
    cluster: str
    slices: list[str]
    a_passed: float
    b_passed: float
    a_score: float
    b_score: float
    a: CaseResult
    b: CaseResult

    @property
    def fixed(self) -> bool:
        """Failed under a, passes under b; with epochs, in more than half of them."""
        return self.a_passed <= 0.5 < self.b_passed

    @property
    def broken(self) -> bool:
        """Passed under a, fails under b."""
        return self.b_passed <= 0.5 < self.a_passed


class Paired(msgspec.Struct):
    """The pairs in the order of `a`, and what has to be said about the cases left out.

    `unproven`: cases that no check could judge on side b, with their slices.
    """

    pairs: list[Pair]
    notices: list[str]
    unproven: dict[str, list[str]]


def pair(a: Iterable[CaseResult], b: Iterable[CaseResult]) -> Paired:
    """The cases that both sides have, asked and judged alike.

    Raises UsageError where there is none: nothing could be compared.
    """
    one, unjudged_a = _by_case(a)
    other, unjudged_b = _by_case(b)
    unproven = {case: _slices(result) for case, result in sorted(unjudged_b.items())}
    common = [case for case in one if case in other]
    same = [case for case in common if _alike(one[case][0], other[case][0])]
    unjudged = unjudged_a.keys() | unjudged_b.keys()
    notices = _notices(one.keys() - unjudged, other.keys() - unjudged, len(common) - len(same), len(same))
    for side, found in (("A", one), ("B", other)):
        notices += _unanswered(side, [result for case in same for result in found[case]])
    notices += _other_epochs(one, other, same)
    if unjudged:
        notices.append(
            f"{len(unjudged)} cases were left out: a check could not judge them ({some(unjudged)})."
        )
    if not same:
        raise UsageError(
            "The two have no case in common",
            " ".join(notices) or "Neither side has a case that was judged.",
            "Evaluate both on the same suite, then compare: temper eval SUITE --variant A --variant B",
        )
    return Paired([_pair(case, one[case], other[case]) for case in same], notices, unproven)


def _by_case(results: Iterable[CaseResult]) -> tuple[dict[str, list[CaseResult]], dict[str, CaseResult]]:
    """Judged results by case, the last of each epoch; and of the other cases a result that was not judged."""
    epochs: dict[str, dict[int, CaseResult]] = defaultdict(dict)
    unjudged = {}
    for result in results:
        if result.judged:
            epochs[result.case][result.epoch] = result
        else:
            unjudged[result.case] = result
    return {case: list(found.values()) for case, found in epochs.items() if case not in unjudged}, unjudged


def _alike(a: CaseResult, b: CaseResult) -> bool:
    """Whether the same was asked and it was judged by the same checks, as far as hashes say."""
    asked = not a.case_hash or not b.case_hash or a.case_hash == b.case_hash
    judged = not a.checks_hash or not b.checks_hash or a.checks_hash == b.checks_hash
    return asked and judged and (a.input, a.expected) == (b.input, b.expected)


def _notices(one: set[str], other: set[str], changed: int, common: int) -> list[str]:
    said = []
    alone = {"A": one - other, "B": other - one}
    if any(alone.values()) or changed:
        parts = [f"{len(cases)} only {side} has ({some(cases)})" for side, cases in alone.items() if cases]
        if changed:
            parts.append(f"{changed} that were changed between the runs")
        said.append(f"ONLY THE {common} COMMON CASES ARE COMPARED. Left out: {', '.join(parts)}.")
    return said


def _unanswered(side: str, results: Sequence[CaseResult]) -> list[str]:
    """Said where a side could not answer: it counts as failing, and is another matter than being wrong."""
    failed = {result.case: result.error for result in results if result.error}
    if not failed:
        return []
    why = next(iter(failed.values()))
    return [
        f"{side} GAVE NO ANSWER TO {len(failed)} OF THE CASES ({some(failed)}; the first: {why}): "
        "they count as failed."
    ]


def _other_epochs(
    one: dict[str, list[CaseResult]], other: dict[str, list[CaseResult]], same: Sequence[str]
) -> list[str]:
    """Said where the sides were asked unequally often, or drew their answers from other seeds."""
    often = [sorted({len(found[case]) for case in same}) for found in (one, other)]
    if often[0] != often[1]:
        asked = ["A {} times", "B {} times"]
        words = " and ".join(
            text.format(" or ".join(map(str, counts))) for text, counts in zip(asked, often, strict=True)
        )
        return [f"A case was asked of {words}: each counts once, by its mean."]
    seeds = [{result.seed for case in same for result in found[case]} for found in (one, other)]
    if seeds[0] != seeds[1]:
        return [
            "The sides drew their answers from other seeds: where answers are sampled, part of it is chance."
        ]
    return []


def some(names: Iterable[str], most: int = 5) -> str:
    """The first of several names, and how many more there are."""
    listed = sorted(names)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")


def _pair(case: str, a: Sequence[CaseResult], b: Sequence[CaseResult]) -> Pair:
    first = a[0]
    return Pair(
        case,
        first.cluster,
        _slices(first),
        _mean([result.passed for result in a]),
        _mean([result.passed for result in b]),
        _mean([result.score for result in a]),
        _mean([result.score for result in b]),
        # of several epochs one that shows what most of them did
        min(a, key=lambda result: result.passed == (_mean([one.passed for one in a]) <= 0.5)),
        min(b, key=lambda result: result.passed == (_mean([one.passed for one in b]) <= 0.5)),
    )


def _slices(result: CaseResult) -> list[str]:
    return list(dict.fromkeys([*result.tags, *result.slices]))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
