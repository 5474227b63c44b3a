"""The stock arm of G4: TRL's DPOTrainer as its documentation shows it, on pairs that are tokenised already.

Padding, activation checkpointing and the reference computed in each step are its defaults. Only the order of
pairs is given, so that both arms take the same steps. Usage: g4_stock.py MODEL PAIRS.json STEPS
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

path, pairs, steps = sys.argv[1:]


class Tokenised(DPOTrainer):
    """It would tokenise texts; these are ids."""

    def _prepare_dataset(self, dataset, *rest):  # type: ignore[no-untyped-def]  # as stock code is written
        return dataset


with tempfile.TemporaryDirectory() as folder:
    trainer = Tokenised(
        model=AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32),
        args=DPOConfig(
            output_dir=folder, max_steps=int(steps), per_device_train_batch_size=8, learning_rate=2e-5,
            train_sampling_strategy="sequential", logging_steps=1, save_strategy="no", report_to=[],
            use_cpu=True, bf16=False, seed=42, disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(json.loads(Path(pairs).read_text())),
        processing_class=PreTrainedTokenizerFast.from_pretrained(path),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
    )  # fmt: skip
    begin = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - begin
margins = [entry["rewards/margins"] for entry in trainer.state.log_history if "loss" in entry]
print(json.dumps({"seconds": seconds, "margins": margins}))
