"""The quantisation ladder: the same export in several types, measured side by side."""

from __future__ import annotations

import msgspec

from store.records.flips import FlippedCase


class RungTask(msgspec.Struct):
    """What one file is asked while it is measured: `prompts` are answered, the ids of `answers` (a prompt and
    what the row says to it) scored.
    """

    file: str
    prompts: list[list[int]]
    answers: list[tuple[list[int], list[int]]]


class Measurement(msgspec.Struct):
    """One file in a process of its own. `written` are the tokens that it gave to each prompt, all likeliest.

    `memory_bytes`: the most main memory that loading and answering took, and the weights on the card where
    there is one. `perplexity` is e to the mean negative log-likelihood in nats of `positions` tokens of the
    rows' own answers; None without rows.
    """

    load_seconds: float
    tokens_per_second: float
    memory_bytes: int
    written: list[list[int]]
    positions: int = 0
    perplexity: float | None = None


class Rung(msgspec.Struct):
    """One type. `changed` of `answers` greedy answers are another than the most exact type gives. `kl_mean`,
    `suite_score`, `flipped` (against the trained model) and `verdict` are the ship check's. `why_not` is
    empty for a type within tolerance. `fallbacks` counts tensors of another type than asked for.
    """

    type: str
    bytes: int
    load_seconds: float
    tokens_per_second: float
    memory_bytes: int
    perplexity: float | None
    kl_mean: float | None
    suite_score: float | None
    changed: int
    answers: int
    verdict: str
    why_not: str = ""
    flipped: list[FlippedCase] = []
    suite_cases: int = 0
    fallbacks: int = 0


class Ladder(msgspec.Struct):
    """From the most exact type to the coarsest; `smallest` is the one to take, empty where none is within
    tolerance. `rule` says by what.
    """

    rungs: list[Rung]
    smallest: str
    rule: str
