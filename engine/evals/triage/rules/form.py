"""Rules about the form, the length and the price of an answer, whatever it says."""

from __future__ import annotations

from engine.evals.triage.seen import Seen, failed_checks, kind_of, told
from engine.evals.triage.texts import is_json
from store.records.evals import CaseResult
from store.records.triage import Category, Guess

FORM = ("json_schema",)
"""Kinds that look at nothing but the form: of older lines, which do not say what was malformed."""
LENGTH = ("length",)
BUDGETS = ("latency", "tokens")


def wrong_form(result: CaseResult, seen: Seen) -> Guess | None:
    """A check found the form missing, or the answer was cut off, or is no JSON where JSON is expected."""
    for check in failed_checks(result):
        if check.malformed or kind_of(check) in FORM:
            return Guess("format", f"invalid_{check.kind}", told(check))
    if result.finish_reason == "length":
        return Guess("format", "cut_off", "the answer was cut off at the most tokens it may have")
    if is_json(result.expected) and not is_json(result.output):
        return Guess("format", "not_json", "JSON is expected, the answer is none")
    return None


def only_length(result: CaseResult, seen: Seen) -> Guess | None:
    """Nothing but its length is wrong."""
    return _only(result, LENGTH, "tone", "tone")


def only_budget(result: CaseResult, seen: Seen) -> Guess | None:
    """Nothing but its time or its tokens is wrong."""
    return _only(result, BUDGETS, "product", "over_budget")


def _only(result: CaseResult, kinds: tuple[str, ...], category: Category, rule: str) -> Guess | None:
    failed = failed_checks(result)
    if failed and all(kind_of(check) in kinds for check in failed):
        return Guess(category, rule, told(failed[0]))
    return None
