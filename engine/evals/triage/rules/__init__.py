"""The rules that guess why a result failed. One signature each, one order, a file per subject.

answer.py     there is none, or it is only known to be wrong
labels.py     the reference is wrong
conduct.py    what the model did: calls, refusals, secrets
form.py       form, length and price
sources.py    the passages: found, used, up to date, held to
"""

from __future__ import annotations

from collections.abc import Callable

from engine.evals.triage.rules.answer import no_answer, wrong_answer
from engine.evals.triage.rules.conduct import unsafe, wrong_tool, wrongly_refused
from engine.evals.triage.rules.form import only_budget, only_length, wrong_form
from engine.evals.triage.rules.labels import doubtful_reference
from engine.evals.triage.rules.sources import (
    facts_without_source,
    not_retrieved,
    not_used,
    stale_source,
    unsupported,
)
from engine.evals.triage.seen import Seen
from store.records.evals import CaseResult
from store.records.triage import Guess

Rule = Callable[[CaseResult, Seen], Guess | None]
RULES: tuple[Rule, ...] = (
    no_answer,
    doubtful_reference,
    unsafe,
    wrong_tool,
    wrongly_refused,
    wrong_form,
    only_length,
    only_budget,
    not_retrieved,
    stale_source,
    unsupported,
    not_used,
    facts_without_source,
    wrong_answer,
)
"""What is certain comes before what is likely; form before content. The last one always applies."""
