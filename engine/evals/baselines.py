"""What guessing would score: the answer that is most frequent, given to every question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from engine.evals.run import CheckedCase, Item, Terms, blank, by_text, judged
from engine.evals.scores import score_of
from store.records.evals import CaseResult, VariantScore

NAME = "majority"


def majority_baseline(
    suite: str, cases: Sequence[CheckedCase], training_answers: Iterable[str] = ()
) -> VariantScore | None:
    """The score of `majority_results`; None where there are none."""
    results = majority_results(suite, cases, training_answers)
    if not results:
        return None
    score = score_of(NAME, results)
    score.cost = None
    return score


def majority_results(
    suite: str, cases: Sequence[CheckedCase], training_answers: Iterable[str] = ()
) -> list[CaseResult]:
    """The most frequent training answer given to every case, through the same checks of its text.

    Without training answers the most frequent expected one is taken: the best that any constant can do. Empty
    where no answer stands twice: nothing could be learned from frequency.
    """
    answers = Counter(training_answers) or Counter(
        case.expected for case, _ in cases if case.expected is not None
    )
    if not answers:
        return []
    answer, count = min(answers.items(), key=lambda entry: (-entry[1], entry[0]))
    asked = by_text(cases)
    if count < 2:
        return []
    terms = Terms(suite, NAME)
    results = []
    for case, checks in asked:
        item = Item(case, checks)
        result = blank(terms, item)
        result.output = answer
        results.append(judged(result, item))
    return results
