"""Unsloth as its documentation shows it, QLoRA on rows that are tokenised already.

Usage: unsloth_sft.py MODEL ROWS.json STEPS BATCH. Prints {seconds, losses, peak}; seconds of each step.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import unsloth  # type: ignore[import-not-found]  # first of all: it changes the others

import torch  # isort: skip
from datasets import Dataset
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

path, rows, steps, batch = sys.argv[1:]
times: list[float] = []


class Clock(TrainerCallback):
    """Keeps when each step ended."""

    def on_step_end(self, args, state, control, **rest):  # type: ignore[no-untyped-def]  # as stock code is written
        torch.cuda.synchronize()
        times.append(time.perf_counter())


model, tokenizer = unsloth.FastLanguageModel.from_pretrained(path, max_seq_length=2048, load_in_4bit=True)
targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
model = unsloth.FastLanguageModel.get_peft_model(
    model, r=16, lora_alpha=32, target_modules=targets, use_gradient_checkpointing="unsloth", random_state=42
)
with tempfile.TemporaryDirectory() as folder:
    trainer = SFTTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(json.loads(Path(rows).read_text())),
        args=SFTConfig(
            output_dir=folder, max_steps=int(steps), per_device_train_batch_size=int(batch),
            learning_rate=2e-4, train_sampling_strategy="sequential", logging_steps=1, save_strategy="no",
            report_to=[], bf16=True, dataset_kwargs={"skip_prepare_dataset": True}, max_length=None,
            disable_tqdm=True,
        ),
        callbacks=[Clock()],
    )  # fmt: skip
    trainer.train()
losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
seconds = [after - before for before, after in pairwise(times)]
print(json.dumps({"seconds": seconds, "losses": losses, "peak": torch.cuda.max_memory_allocated()}))
