"""One training run from top to bottom: base, adapter, trainer, steps, saved adapter.

Stock parts throughout: Transformers loads, bitsandbytes quantises, PEFT adapts, TRL trains. The rows come
in as ids and labels, so nothing here renders or tokenises. Knows nothing of run folders beyond two paths.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError
from transformers import PreTrainedTokenizerFast, TrainerCallback

from engine.models.directory import ModelDirectory
from engine.training import levers, loss_head, objectives, settings
from engine.training.adapter import lora_config
from engine.training.base import load_base
from engine.training.batches import keeps_apart
from engine.training.callbacks import StepReporter, Watcher
from engine.training.data import TrainingData
from engine.training.devices import find_device, peak_memory
from engine.training.failures import out_of_memory, write_error
from engine.training.objectives.setup import Setup
from engine.training.recompute import RecomputeFirst
from store import atomic
from store.records.recipe import Recipe


class TrainResult(msgspec.Struct):
    """What a run gave. `loss` is the mean over the steps; `stopped` says that the user ended it early."""

    steps: int
    loss: float
    device: str
    peak_memory_bytes: int
    packed: bool
    stopped: bool


def train(
    base: ModelDirectory,
    recipe: Recipe,
    data: TrainingData,
    watcher: Watcher,
    run_folder: Path,
    out: Path,
    callbacks: Sequence[TrainerCallback] = (),
    resume: Path | None = None,
) -> TrainResult:
    """Train on `data` and save what came of it, in fp32 safetensors, to the new directory `out`.

    `callbacks` look on beside Temper's own. `resume` is a checkpoint of the same recipe and data to go on
    from. Raises TemperError when memory or disk run out; checkpoints written before stay.
    """
    device = find_device()
    recipe = levers.defaults(recipe, device.cuda, device.compute != "float16")
    device = device.computing(recipe.precision)
    checkpoints = run_folder / "artifacts" / "checkpoints"
    model = load_base(base, recipe, device)
    packed = recipe.packing and keeps_apart(model, data.rows)
    if not packed:
        model.set_attn_implementation("sdpa")
    trainer = objectives.build(
        Setup(
            model=model,
            tokenizer=tokenizer_of(base),
            recipe=recipe,
            data=data,
            settings=settings.shared(recipe, device, checkpoints),
            adapter=lora_config(recipe),
            packed=packed,
            callbacks=[
                RecomputeFirst(recipe.recompute_layers),
                StepReporter(watcher, run_folder),
                *callbacks,
            ],
        )
    )
    # TRL casts QLoRA's adapters to bf16 while a resumed run has them in fp32: fp32 from the first step on
    # makes both the same, and their updates are too small for bf16 anyway. The optimiser does not exist yet.
    trained: Any = trainer.model
    for parameter in trained.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    loss_head.install(model)
    try:
        outcome = trainer.train(resume_from_checkpoint=str(resume) if resume else None)
        with atomic.new_directory(out) as folder:
            trained.save_pretrained(folder, safe_serialization=True)
    except torch.OutOfMemoryError as error:
        raise out_of_memory(error) from error
    except (OSError, RuntimeError, SafetensorError) as error:
        failed = write_error(error)
        if failed is None:
            raise
        half = checkpoints / f"checkpoint-{trainer.state.global_step}"
        target = half if half.is_dir() else out
        shutil.rmtree(half, ignore_errors=True)  # its event was never written; the ones before it are whole
        raise atomic.disk_error(failed, target) from error
    return TrainResult(
        steps=trainer.state.global_step,
        loss=float(outcome.training_loss),
        device=device.name,
        peak_memory_bytes=peak_memory(),
        packed=packed,
        stopped=trainer.state.global_step < recipe.max_steps,
    )


def tokenizer_of(base: ModelDirectory) -> PreTrainedTokenizerFast:
    """The base's own tokenizer.json for the trainers, which ask it for the padding token alone."""
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(base.tokenizer_file))
    tokenizer.eos_token = base.special_token("eos_token") or None
    tokenizer.pad_token = base.special_token("pad_token") or tokenizer.eos_token
    return tokenizer
