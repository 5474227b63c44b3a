"""TRL's DPOTrainer as its documentation shows it, LoRA on pairs that are tokenised already.

Padding, activation checkpointing and the reference computed in each step are its defaults. Only the order of
pairs and the adapter's number type are given, so that both arms take the same steps.
Usage: trl_dpo.py MODEL PAIRS.json STEPS BATCH. Prints {seconds, losses, margins, peak}.
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
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer

path, pairs, steps, batch = sys.argv[1:]
gpu = torch.cuda.is_available()


class Tokenised(DPOTrainer):
    """It would tokenise texts; these are ids."""

    def _prepare_dataset(self, dataset, *rest):  # type: ignore[no-untyped-def]  # as stock code is written
        return dataset


where = {"": 0} if gpu else None
with tempfile.TemporaryDirectory() as folder:
    trainer = Tokenised(
        model=AutoModelForCausalLM.from_pretrained(path, dtype=torch.bfloat16, device_map=where),
        args=DPOConfig(
            output_dir=folder, max_steps=int(steps), per_device_train_batch_size=int(batch),
            learning_rate=2e-5, train_sampling_strategy="sequential", logging_steps=1, save_strategy="no",
            report_to=[], bf16=True, use_cpu=not gpu, seed=42, disable_tqdm=True, max_length=None,
        ),
        train_dataset=Dataset.from_list(json.loads(Path(pairs).read_text())),
        processing_class=PreTrainedTokenizerFast.from_pretrained(path),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
    )  # fmt: skip
    for parameter in trainer.model.parameters():  # type: ignore[union-attr]  # it has one
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    begin = time.perf_counter()
    trainer.train()
    if gpu:
        torch.cuda.synchronize()
    seconds = time.perf_counter() - begin
told = [entry for entry in trainer.state.log_history if "loss" in entry]
answer = {
    "losses": [entry["loss"] for entry in told],
    "margins": [entry["rewards/margins"] for entry in told],
}
print(json.dumps(answer | {"seconds": seconds, "peak": torch.cuda.max_memory_allocated() if gpu else 0}))
