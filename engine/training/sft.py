"""One training run from top to bottom: base, adapter, trainer, steps, saved adapter.

Stock parts throughout: Transformers loads, bitsandbytes quantises, PEFT adapts, TRL trains. The rows come
in as ids and labels, so nothing here renders or tokenises. Knows nothing of run folders beyond two paths.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch
from datasets import Dataset
from peft import LoraConfig
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    TrainerCallback,
)
from trl import SFTConfig, SFTTrainer

from engine.data.rendering import Row
from engine.models.directory import ModelDirectory
from engine.training import loss_head, packed_attention
from engine.training.batches import collator, keeps_apart
from engine.training.callbacks import StepReporter, Watcher
from engine.training.devices import DeviceDefaults, find_device, peak_memory
from engine.training.order import training_order
from store import atomic
from store.errors import TemperError
from store.records.recipe import Recipe

# Transformers renamed it; the older name warns where the newer one exists
_RECOMPUTE = next(
    name
    for name in ("activation_checkpointing", "gradient_checkpointing")
    if name in SFTConfig.__dataclass_fields__
)
_TORCH_WRITER = ("PytorchStreamWriter", "inline_container", "iostream error")
_SCHEDULES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}


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
    rows: list[Row],
    watcher: Watcher,
    run_folder: Path,
    out: Path,
    callbacks: Sequence[TrainerCallback] = (),
) -> TrainResult:
    """Train an adapter on `rows` and save it, in fp32 safetensors, to the new directory `out`.

    `callbacks` look on beside Temper's own. Raises TemperError when memory or disk run out; checkpoints
    written before stay.
    """
    device = find_device()
    checkpoints = run_folder / "artifacts" / "checkpoints"
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(base.tokenizer_file))
    tokenizer.eos_token = base.special_token("eos_token") or None
    tokenizer.pad_token = base.special_token("pad_token") or tokenizer.eos_token
    model = load_base(base, recipe, device)
    packed = recipe.packing and keeps_apart(model, rows)
    if not packed:
        model.set_attn_implementation("sdpa")
    trainer = SFTTrainer(
        model=model,
        args=trainer_settings(recipe, device, checkpoints),
        data_collator=collator(tokenizer.pad_token_id or 0, packed),
        train_dataset=in_order(rows, recipe),
        processing_class=tokenizer,
        peft_config=lora_config(recipe),
        callbacks=[StepReporter(watcher, run_folder), *callbacks],
    )
    # TRL casts QLoRA's adapters to bf16 while a resumed run has them in fp32: fp32 from the first step on
    # makes both the same, and their updates are too small for bf16 anyway. The optimiser does not exist yet.
    trained: Any = trainer.model
    for parameter in trained.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    loss_head.install(model)
    try:
        outcome = trainer.train()
        with atomic.new_directory(out) as folder:
            trained.save_pretrained(folder, safe_serialization=True)
    except torch.OutOfMemoryError as error:
        raise TemperError(
            "The device's memory is full",
            str(error).splitlines()[0],
            "Halve batch_size and double gradient_accumulation in the recipe, or lower max_length.",
        ) from error
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


def in_order(rows: list[Row], recipe: Recipe) -> Dataset:
    """The rows as the trainer takes them one after another: all steps of the run, each with its rows."""
    step_rows = recipe.batch_size * recipe.gradient_accumulation
    order = training_order(
        [len(row.input_ids) for row in rows], recipe.max_steps, step_rows, recipe.batch_size, recipe.seed
    )
    table = Dataset.from_list([{"input_ids": row.input_ids, "labels": row.labels} for row in rows])
    return table.select(order)


def write_error(error: Exception) -> OSError | None:
    """The disk's error behind what torch or safetensors raised while they wrote; None for other kinds.

    torch's own writer forgets the reason: a write that fails is taken for a full disk, the usual one.
    """
    if isinstance(error, OSError):
        return error
    if "os error 28" in str(error) or any(name in str(error) for name in _TORCH_WRITER):
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return None


def load_base(base: ModelDirectory, recipe: Recipe, device: DeviceDefaults) -> PreTrainedModel:
    """The base model on its device; 4-bit NormalFloat with doubly quantised scales for QLoRA.

    Dettmers et al., "QLoRA: Efficient Finetuning of Quantized LLMs", 2023, sections 3 and 5.
    """
    options: dict[str, Any] = {"dtype": device.dtype, "local_files_only": True, "trust_remote_code": False}
    if device.cuda:
        options["device_map"] = {"": 0}
    if recipe.method == "qlora":
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=device.dtype,
        )
    if recipe.packing:
        options["attn_implementation"] = packed_attention.register()
    try:
        model = AutoModelForCausalLM.from_pretrained(base.path, use_safetensors=True, **options)
    except KeyError:
        del options["attn_implementation"]  # an architecture that knows its own attentions only
        model = AutoModelForCausalLM.from_pretrained(base.path, use_safetensors=True, **options)
    model.config.use_cache = False
    return model


def lora_config(recipe: Recipe) -> LoraConfig:
    """PEFT's settings for the recipe's adapter."""
    lora = recipe.lora
    named = [part.strip() for part in lora.target.split(",") if part.strip()]
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,  # type: ignore[arg-type]  # called int there; any number scales
        lora_dropout=lora.dropout,
        target_modules="all-linear" if lora.target == "all-linear" else named,
        task_type="CAUSAL_LM",
    )


def trainer_settings(recipe: Recipe, device: DeviceDefaults, checkpoints: Path) -> SFTConfig:
    """TRL's settings: the recipe's fields, the device's defaults, and all that would call out turned off."""
    # any: a dict of bools would be taken for every argument that is not named here
    recompute: dict[str, Any] = {_RECOMPUTE: device.recompute}
    return SFTConfig(
        output_dir=str(checkpoints),
        max_steps=recipe.max_steps,
        per_device_train_batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.gradient_accumulation,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=_SCHEDULES[recipe.schedule],
        warmup_steps=recipe.warmup_steps,
        weight_decay=recipe.weight_decay,
        optim=device.optimiser,
        seed=recipe.seed,
        data_seed=recipe.seed,
        bf16=device.cuda,
        use_cpu=not device.cuda,
        train_sampling_strategy="sequential",
        **recompute,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="steps" if recipe.checkpoint_every else "no",
        save_steps=recipe.checkpoint_every or recipe.max_steps,
        save_total_limit=2,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        dataloader_num_workers=0,
        dataloader_pin_memory=device.cuda,
        remove_unused_columns=False,
        report_to=[],
        push_to_hub=False,
        disable_tqdm=True,
    )
