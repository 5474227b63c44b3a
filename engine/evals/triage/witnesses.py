"""Who speaks against a reference in a run of advice: its approaches, told apart by the weights that answer.

One model behind several prompts makes the same mistakes, so all its answers are those of one witness. Knows
nothing of runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from engine.evals.triage.guessing import failures_of
from store.records.evals import CaseResult
from store.records.triage import Failure

BARE = "bare"
"""The approach whose failures an advice is about: the prompt as it is."""
OTHER_WEIGHTS = ("adapter", "hybrid", "other")
"""Approaches that do not answer with the weights of the bare prompt."""


def failures_of_advice(results: Iterable[CaseResult], run_id: str, approach: str = BARE) -> list[Failure]:
    """The failures of one approach, guessed with what all the others answered."""
    own: list[CaseResult] = []
    others: dict[str, list[CaseResult]] = defaultdict(list)
    for result in results:
        by = result.variant if result.variant in OTHER_WEIGHTS else BARE
        result = msgspec.structs.replace(result, variant_hash=by)
        if result.variant == approach:
            own.append(result)
        else:
            others[result.case].append(result)
    return failures_of(own, run_id, others)
