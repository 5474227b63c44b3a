"""Exported files and the verdict on whether they behave like the model that was trained."""

from __future__ import annotations

from typing import Literal

import msgspec

from store.records.flips import FlippedCase
from store.records.hand_offs import HandOff
from store.records.ladders import Ladder

Verdict = Literal["SHIP", "WARN", "BLOCK"]
Way = Literal["cat", "linear", "ties", "dare_linear", "dare_ties"]
"""How several adapters become one, in PEFT's words: `cat` is the exact weighted sum of their updates."""
DENSITY = 0.5
"""The share of numbers that ties and dare keep where nobody says another."""


class ShipCheck(msgspec.Struct):
    """The comparison of one exported file with the unquantised base + adapter. Reasons explain the verdict.

    `token_ids_equal`: share of `texts` whose ids equal those of the model's tokenizer.json. To `prompts`
    prompts the file gave `tokens` tokens, always the likeliest: `greedy_agreement` is the mean share of an
    answer before the first token that the reference would not have chosen, `top1_agreement` the share of all
    tokens that it would have chosen after the same text. `ties` of them were another than its first choice,
    but so close to it that rounding decides: they count as agreeing. `stops` says that the model's stop
    tokens end a generation. `reference` is what was compared with, its number type included.

    Answers of the rows count in `tokens`, too. `kl_mean` and `kl_p99` are the mean and the 99th percentile of
    the Kullback-Leibler divergence from reference to file, in nats per token, at `positions` of them.
    `trained_` figures are the same against the adapter on the 4-bit base on which it was trained, where it
    was. `suite_score` is the share of `suite_cases` that the file passed, `suite_reference` the trained
    model's, `suite_low` and `suite_high` the 95% interval of their difference, `flipped` the cases that only
    one of them passed. None: not measured.
    """

    verdict: Verdict
    reasons: list[str] = []
    texts: int = 0
    token_ids_equal: float = 0.0
    prompts: int = 0
    greedy_agreement: float = 0.0
    top1_agreement: float = 0.0
    tokens: int = 0
    ties: int = 0
    stops: bool = False
    reference: str = ""
    positions: int = 0
    kl_mean: float | None = None
    kl_p99: float | None = None
    trained_reference: str = ""
    trained_top1: float | None = None
    trained_kl: float | None = None
    suite: str = ""
    suite_cases: int = 0
    suite_score: float | None = None
    suite_reference: float | None = None
    suite_low: float | None = None
    suite_high: float | None = None
    flipped: list[FlippedCase] = []


class ExportedFile(msgspec.Struct):
    """One file of an export. `type` is the GGUF type; of a folder it is `safetensors` (the merged model) or
    `peft` (the adapter as it was trained, which has no ship check), and `hashes` has the sha256 of each file
    in it, `sha256` that of all.

    `fallbacks` has the tensors whose rows the type's blocks do not divide, by the type they got instead.
    """

    path: str
    type: str
    bytes: int
    sha256: str
    ship_check: ShipCheck | None = None
    fallbacks: dict[str, list[str]] = {}
    hashes: dict[str, str] = {}


class AdapterShare(msgspec.Struct):
    """An adapter (a training run's, by id or prefix, or a kept one) and the weight that its update gets."""

    adapter: str
    weight: float = 1.0


class Mix(msgspec.Struct):
    """Several adapters of one base as one, with all that its numbers depend on.

    `density` is the share of numbers that ties and dare keep, `seed` that of dare's choice.
    """

    adapters: list[AdapterShare]
    way: Way = "cat"
    density: float = DENSITY
    seed: int = 0


class ExportResult(msgspec.Struct):
    """What `temper export` prints as JSON and the ledger keeps. `ship_check` is the worst of the files'.

    `source` is what was asked for, `adapter` the run or kept adapter in the files: empty for a plain model.
    Where several adapters were combined both are empty and `mix` says which and how. `ladder` has all types
    that were measured where only the smallest good one was to be kept; `hand_offs` say how other programs
    run the files. `base_gguf` is what an adapter's own GGUF goes on.
    """

    run_id: str
    source: str
    files: list[ExportedFile]
    ship_check: ShipCheck
    adapter: str = ""
    mix: Mix | None = None
    hand_offs: list[HandOff] = []
    ladder: Ladder | None = None
    base_gguf: str = ""
