"""Rules about the answer as a whole: there is none, or all that is known of it is that it is wrong."""

from __future__ import annotations

from engine.evals.triage.rules.labels import agreed_against
from engine.evals.triage.seen import Seen, failed_checks, told
from store.records.evals import CaseResult
from store.records.triage import Guess


def no_answer(result: CaseResult, seen: Seen) -> Guess | None:
    """The model could not be asked."""
    return Guess("product", "no_answer", result.error) if result.error else None


def wrong_answer(result: CaseResult, seen: Seen) -> Guess:
    """It is wrong, and nothing says why. Told with it: whether several variants answer the same."""
    why = next(map(told, failed_checks(result)), "the answer is not the one expected")
    doubt = agreed_against(result, seen)
    return Guess("behaviour", "wrong_answer", f"{why}; {doubt}" if doubt else why)
