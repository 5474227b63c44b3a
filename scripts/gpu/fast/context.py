"""How long a row can Temper train under a cap of 24 GB, with activations on the card and on the host (G3).

The 8B shape in 4 bits, rank 16, everything recomputed. The stock arms are context_trl and context_logits: the
ratios to them are in this record once they have run.
"""

from __future__ import annotations

import json
from typing import Any, Literal

import torch
from transformers import TrainerCallback

from engine.training import objectives
from engine.training.data import TrainingData
from scripts.gpu import record, rows, shapes, training
from scripts.gpu.bench import Bench, Found
from scripts.gpu.fast import _reach
from scripts.gpu.plan import Step

MINUTES = 4.0
CAP = 24e9
FIRST, MOST = 8192, 131_072
Offload = Literal["none", "activations"]
OFFLOADS: tuple[Offload, ...] = ("none", "activations")


def run(bench: Bench) -> Found:
    """Both ways."""
    found = Found()
    reached = {}
    for offload in OFFLOADS:
        reached[offload], tries = reach(bench, offload)
        found.figures[f"tries, offload {offload}"] = tries
        found.figures[f"longest, offload {offload}"] = reached[offload]
    best = max(reached.values())
    found.gate("a row fits", best > 0, f"{best:,} tokens")
    for name, target in (("context_trl", ">= 1.5"), ("context_logits", ">= 13")):
        other = stock_reach(bench, name)
        if other:
            found.goal(f"G3: times {name.removeprefix('context_')}", best / other, target)
        else:
            found.figures[f"against {name}"] = "that step has not run: run it, then this one --again"
    return found


def stock_reach(bench: Bench, name: str) -> int:
    """What a stock arm reached, by its record; 0 where there is none."""
    folder = record.REHEARSALS if bench.rehearse else record.RESULTS
    known = record.read(folder, Step("fast", name)) or {}
    return int((known.get("found") or {}).get("figures", {}).get("longest", 0))


def reach(bench: Bench, offload: Offload) -> tuple[int, list[dict[str, Any]]]:
    """The longest row, tried when the run begins; the run itself never takes a step."""
    cap(bench)
    vocabulary = shapes.SHAPES[bench.shape].vocabulary
    caught: list[Any] = []
    stock = objectives.build

    def build(setup: Any) -> Any:
        caught.append(stock(setup))
        return caught[-1]

    trial = Trial(bench, caught, vocabulary)
    objectives.build = build
    try:
        made = TrainingData(rows.random_rows(vocabulary, [64] * 4))
        asked = training.recipe(
            method="qlora", max_steps=1, batch_size=1, recompute_layers="all", optimiser="adamw",
            max_length=MOST, offload=offload,
        )  # fmt: skip
        training.run(
            shapes.random_model(bench.shape), asked, made, bench.scratch / offload,
            training.card(bench.rehearse), callbacks=[trial],
        )  # fmt: skip
    except _reach.Reached:
        pass
    finally:
        objectives.build = stock
    answer = trial.found
    caught.clear()
    training.forget()
    return answer


def cap(bench: Bench) -> None:
    """Let this process take 24 GB of the card."""
    if not bench.rehearse:
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, CAP / total))


def begin_anew(offloading: Any) -> None:
    """Let TRL's offloading forget the forward pass that failed: it expects a backward pass for each."""
    if not hasattr(offloading, "tracker"):
        return
    for name in ("tracker", "storage_to_tensor_id", "_storage_key_by_tensor_id"):
        getattr(offloading, name).clear()
    for name in ("fwd_stash", "bwd_tensor_stash", "bwd_ev_stash"):
        getattr(offloading, name, {}).clear()
    offloading.is_first_forward_call = offloading.is_first_backward_call = True


class Trial(TrainerCallback):
    """Looks for the longest row when training begins, then ends the run."""

    def __init__(self, bench: Bench, caught: list[Any], vocabulary: int) -> None:
        self.found: tuple[int, list[dict[str, Any]]] = (0, [])
        self._bench, self._caught, self._vocabulary = bench, caught, vocabulary

    def on_train_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """The trainer is complete: model on the device, optimiser made."""
        trainer = self._caught[-1]
        whole = _reach.do_step(trainer, trainer.model_wrapped, self._vocabulary, packed=True)

        def step(length: int) -> None:
            try:
                whole(length)
            except RuntimeError:
                begin_anew(trainer.maybe_activation_offload_context)
                raise

        first, most = self._bench.size(FIRST, 64), self._bench.size(MOST, 256)
        self.found = _reach.longest(step, first, most)
        print(json.dumps(self.found))
        raise _reach.Reached
