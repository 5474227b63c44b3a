"""The stock arm of G1: TRL's SFTTrainer as its documentation shows it, on rows that are tokenised already.

Padding, activation checkpointing and SDPA are its defaults. Only the order of rows and the adapter's number
type are given, so that both arms take the same steps. Usage: g1_stock.py MODEL ROWS.json STEPS OUT
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedTokenizerFast, TrainerCallback
from trl import SFTConfig, SFTTrainer

path, rows, steps, out = sys.argv[1:]
times: list[float] = []


class Clock(TrainerCallback):
    """Keeps when each step ended, and the first step's gradients."""

    def on_pre_optimizer_step(self, args, state, control, model=None, **rest):  # type: ignore[no-untyped-def]  # as stock code is written
        if not times:
            save_file({n: p.grad for n, p in model.named_parameters() if p.grad is not None}, out)

    def on_step_end(self, args, state, control, **rest):  # type: ignore[no-untyped-def]  # as stock code is written
        times.append(time.perf_counter())


four_bit = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True)
model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, quantization_config=four_bit)
tokenizer = PreTrainedTokenizerFast.from_pretrained(path)
with tempfile.TemporaryDirectory() as folder:
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=folder, max_steps=int(steps), per_device_train_batch_size=8, learning_rate=2e-4,
            train_sampling_strategy="sequential", logging_steps=1, save_strategy="no", report_to=[],
            dataset_kwargs={"skip_prepare_dataset": True}, use_cpu=True, bf16=False, max_length=None,
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(json.loads(Path(rows).read_text())),
        processing_class=tokenizer,
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
        callbacks=[Clock()],
    )  # fmt: skip
    for parameter in trainer.model.parameters():  # type: ignore[union-attr]  # it has one
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    trainer.train()
losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
print(json.dumps({"seconds": times[-1] - times[0], "losses": losses}))
