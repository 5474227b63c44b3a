"""How a training run fits a device: the machine, the memory by part, what was chosen."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from store.records.outcome import QuantisationCost
from store.records.recipe import Recipe

PartName = Literal[
    "weights", "adapter", "gradients", "optimiser", "activations", "loss", "working space", "CUDA context"
]


class Machine(msgspec.Struct):
    """The device that trains. `memory_bytes` is all it has, `free_bytes` what nobody else uses now.

    `bfloat16` says that the device computes in it without emulation.
    """

    name: str
    cuda: bool
    memory_bytes: int
    free_bytes: int
    bfloat16: bool = True


class Demand(msgspec.Struct):
    """What the largest forward pass of a run holds: tokens (padding too), those that carry loss, rows.

    `longest` is the longest row in tokens.
    """

    tokens: int
    trained: int
    rows: int
    longest: int


class MemoryPart(msgspec.Struct):
    """One part of the peak, in bytes; `note` says what it is made of."""

    name: PartName
    bytes: int
    note: str = ""


class MemoryEstimate(msgspec.Struct):
    """The peak of a run on its device, before anything is loaded. `total_bytes` is the sum of `parts`."""

    parts: list[MemoryPart]
    total_bytes: int
    free_bytes: int
    fits: bool


class Alternative(msgspec.Struct):
    """Settings under which the run would take `total_bytes`; `words` say what that costs."""

    changes: dict[str, Any]
    words: str
    total_bytes: int
    fits: bool


class TrainingPlan(msgspec.Struct):
    """A recipe in which nothing is left to `auto`, for one machine and one demand.

    `decisions` says in words what was chosen for the device and why; `alternatives` what else would fit,
    where the plan does not.
    """

    recipe: Recipe
    machine: Machine
    demand: Demand
    estimate: MemoryEstimate
    decisions: list[str] = []
    alternatives: list[Alternative] = []


class DiskNeed(msgspec.Struct):
    """What a run writes, in bytes: what it trained, and `checkpoints` states to go on from at a time."""

    result_bytes: int
    checkpoint_bytes: int
    checkpoints: int
    total_bytes: int
    free_bytes: int
    fits: bool


class DryRun(msgspec.Struct):
    """All that can be known of a run before it starts.

    Lines are the source's, from 1: `truncated` rows lose their end, `untrained` ones are left out.
    `verdict` is the newest data check's, empty where there was none; `findings` what it says besides.
    `not_imported` names datasets that were read for this alone: the run will import them.
    `quantisation` is what 4 bits cost the base on these rows, where an earlier run has measured it.
    """

    plan: TrainingPlan
    rows: int
    total_tokens: int
    trained_tokens: int
    truncated: list[int]
    untrained: list[int]
    steps: int
    rows_per_step: int
    epochs: float
    verdict: str
    findings: list[str]
    disk: DiskNeed
    command: str = ""
    not_imported: list[str] = []
    quantisation: QuantisationCost | None = None
