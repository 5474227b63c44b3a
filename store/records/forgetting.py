"""What a model lost beside its task: the forgetting pack before and after a training run."""

from __future__ import annotations

from typing import Literal

import msgspec

from store.records.comparing import ChangedCase, Difference

Verdict = Literal["kept", "forgotten", "too_small"]


class Forgetting(msgspec.Struct):
    """The verdict on a run. `difference` is after less before; `kinds` the same by kind of case.

    forgotten: surely worse, as a whole or in a kind (corrected for their number). kept: better, or no
    difference beyond the margin. too_small: the pack cannot tell. `remedy` says what helps, first things
    first; empty where nothing was lost. `detectable` is the least loss that so many cases show in four of
    five tries.
    """

    run_id: str
    verdict: Verdict
    difference: Difference
    kinds: dict[str, Difference]
    lost: list[ChangedCase]
    remedy: list[str]
    headline: str
    detectable: float = 1.0


class ForgettingNote(msgspec.Struct):
    """The verdict as it stands in the passport of what was trained; `run_id` is the run that asked."""

    run_id: str
    suite: str
    cases: int
    verdict: Verdict
    headline: str
    remedy: list[str]
