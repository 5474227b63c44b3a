"""The stock arms of G3, on rows that are tokenised already, with their defaults otherwise: TRL's SFTTrainer
as its documentation shows it, or Transformers' own Trainer, which computes all logits.

Usage: g3_stock.py MODEL ROWS.json STEPS trl|logits OUT
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
    default_data_collator,
    set_seed,
)
from trl import SFTConfig, SFTTrainer

from scripts.benchmarks.g3_peak import Peak

path, rows, steps, kind, out = sys.argv[1:]
model, peak = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32), Peak(out)
lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
given: Any = {"train_dataset": Dataset.from_list(json.loads(Path(rows).read_text())), "callbacks": [peak]}
with tempfile.TemporaryDirectory() as folder:
    same: Any = {
        "output_dir": folder, "max_steps": int(steps), "per_device_train_batch_size": 4, "seed": 42,
        "learning_rate": 2e-4, "train_sampling_strategy": "sequential", "logging_steps": 1, "bf16": False,
        "save_strategy": "no", "report_to": [], "use_cpu": True, "disable_tqdm": True,
    }  # fmt: skip
    trainer: Trainer
    if kind == "trl":
        settings = SFTConfig(**same, max_length=None, dataset_kwargs={"skip_prepare_dataset": True})
        tokenizer = PreTrainedTokenizerFast.from_pretrained(path)
        trainer = SFTTrainer(model, settings, peft_config=lora, processing_class=tokenizer, **given)
    else:
        set_seed(42)
        # activations recomputed as in TRL: the loss alone is another
        plain = TrainingArguments(**same, activation_checkpointing=True, remove_unused_columns=False)
        trainer = Trainer(get_peft_model(model, lora), plain, default_data_collator, **given)
    trainer.train()
losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
print(json.dumps({"mib": peak.mib, "losses": losses}))
