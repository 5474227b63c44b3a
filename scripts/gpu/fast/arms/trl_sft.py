"""TRL's SFTTrainer as its documentation shows it, QLoRA on rows that are tokenised already.

Padding, activation checkpointing, SDPA and the fused head are its defaults. Only the order of rows and the
adapter's number type are given, so that both arms take the same steps.
Usage: trl_sft.py MODEL ROWS.json STEPS BATCH. Prints {seconds, losses, peak}; seconds of each step.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedTokenizerFast, TrainerCallback
from trl import SFTConfig, SFTTrainer

path, rows, steps, batch = sys.argv[1:]
times: list[float] = []
gpu = torch.cuda.is_available()


class Clock(TrainerCallback):
    """Keeps when each step ended."""

    def on_step_end(self, args, state, control, **rest):  # type: ignore[no-untyped-def]  # as stock code is written
        if gpu:
            torch.cuda.synchronize()
        times.append(time.perf_counter())


four_bit = BitsAndBytesConfig(
    load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
    bnb_4bit_compute_dtype=torch.bfloat16,
)  # fmt: skip
model = AutoModelForCausalLM.from_pretrained(
    path, dtype=torch.bfloat16, quantization_config=four_bit, device_map={"": 0} if gpu else None
)
with tempfile.TemporaryDirectory() as folder:
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=folder, max_steps=int(steps), per_device_train_batch_size=int(batch),
            learning_rate=2e-4, train_sampling_strategy="sequential", logging_steps=1, save_strategy="no",
            report_to=[], bf16=True, use_cpu=not gpu, dataset_kwargs={"skip_prepare_dataset": True},
            max_length=None, disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(json.loads(Path(rows).read_text())),
        processing_class=PreTrainedTokenizerFast.from_pretrained(path),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
        callbacks=[Clock()],
    )  # fmt: skip
    for parameter in trainer.model.parameters():  # type: ignore[union-attr]  # it has one
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    trainer.train()
losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
seconds = [after - before for before, after in pairwise(times)]
peak = torch.cuda.max_memory_allocated() if gpu else 0
print(json.dumps({"seconds": seconds, "losses": losses, "peak": peak}))
