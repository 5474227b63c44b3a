"""What guessing would score: the answer that is most frequent, given to every question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from engine.evals.run import CheckedCase, evaluate
from store.records.data import Message
from store.records.evals import VariantScore

NAME = "majority"


class Constant(msgspec.Struct, frozen=True):
    """An answerer that always says the same. It is its own answer."""

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def answer(self, messages: Sequence[Message]) -> Constant:
        """`text`, whatever is asked."""
        return self


def majority_baseline(
    suite: str, cases: Sequence[CheckedCase], training_answers: Iterable[str] = ()
) -> VariantScore | None:
    """The score of the most frequent training answer, through the same checks.

    Without training answers the most frequent expected one is taken: the best that any constant can do. None
    where no answer stands twice: nothing could be learned from frequency.
    """
    answers = Counter(training_answers) or Counter(
        case.expected for case, _ in cases if case.expected is not None
    )
    if not answers:
        return None
    answer, count = min(answers.items(), key=lambda entry: (-entry[1], entry[0]))
    if count < 2:
        return None
    return evaluate(suite, NAME, cases, Constant(answer), lambda result: None)
