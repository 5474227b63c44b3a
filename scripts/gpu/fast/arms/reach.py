"""The stock arms of G3: TRL's SFTTrainer with its defaults, or Transformers' own Trainer, which computes all
logits; QLoRA of rank 16, recomputing everything, under a cap.

Usage: reach.py MODEL trl|logits CAP_BYTES FIRST MOST. Prints {longest, tries}.
"""

from __future__ import annotations

import json
import sys
import tempfile
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
from transformers import (
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    PreTrainedTokenizerFast,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    default_data_collator,
)  # fmt: skip
from trl import SFTConfig, SFTTrainer

from scripts.gpu.fast import _reach

path, kind, cap, first, most = sys.argv[1:]
gpu = torch.cuda.is_available()
if gpu:
    torch.cuda.set_per_process_memory_fraction(
        min(1.0, float(cap) / torch.cuda.get_device_properties(0).total_memory)
    )
four_bit = BitsAndBytesConfig(
    load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
    bnb_4bit_compute_dtype=torch.bfloat16,
)  # fmt: skip
model = AutoModelForCausalLM.from_pretrained(
    path, dtype=torch.bfloat16, quantization_config=four_bit, device_map={"": 0} if gpu else None
)
lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
rows = Dataset.from_list([{"input_ids": [5] * 64, "labels": [5] * 64}] * 4)
outcome: dict[str, Any] = {}


class Trial(TrainerCallback):
    """Looks for the longest row when training begins, then ends the run."""

    def on_train_begin(self, args, state, control, **rest):  # type: ignore[no-untyped-def]  # as stock code is written
        step = _reach.do_step(trainer, trainer.model_wrapped, model.config.vocab_size, packed=False)
        outcome["longest"], outcome["tries"] = _reach.longest(step, int(first), int(most))
        raise _reach.Reached


with tempfile.TemporaryDirectory() as folder:
    same: dict[str, Any] = {
        "output_dir": folder, "max_steps": 1, "per_device_train_batch_size": 1, "bf16": True,
        "use_cpu": not gpu, "save_strategy": "no", "report_to": [], "disable_tqdm": True,
    }  # fmt: skip
    given: dict[str, Any] = {"train_dataset": rows, "callbacks": [Trial()]}
    trainer: Trainer
    if kind == "trl":
        settings = SFTConfig(**same, max_length=None, dataset_kwargs={"skip_prepare_dataset": True})
        tokenizer = PreTrainedTokenizerFast.from_pretrained(path)
        trainer = SFTTrainer(model, settings, peft_config=lora, processing_class=tokenizer, **given)
    else:
        tuned = get_peft_model(prepare_model_for_kbit_training(model), lora)
        trainer = Trainer(
            tuned, TrainingArguments(**same, remove_unused_columns=False), default_data_collator, **given
        )
    try:
        trainer.train()
    except _reach.Reached:
        print(json.dumps(outcome))
