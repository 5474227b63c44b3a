"""The first of the stock tools of G13: TRL's SFTTrainer as its documentation shows it, QLoRA on chat rows.

Usage: whole_train.py BASE ROWS.jsonl OUT STEPS BATCH
"""

from __future__ import annotations

import sys

import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer

base, rows, out, steps, batch = sys.argv[1:]
gpu = torch.cuda.is_available()
four_bit = BitsAndBytesConfig(
    load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
    bnb_4bit_compute_dtype=torch.bfloat16,
)  # fmt: skip
model = AutoModelForCausalLM.from_pretrained(
    base, dtype=torch.bfloat16, quantization_config=four_bit, device_map={"": 0} if gpu else None
)
trainer = SFTTrainer(
    model=model,
    args=SFTConfig(
        output_dir=out, max_steps=int(steps), per_device_train_batch_size=int(batch), learning_rate=2e-3,
        save_strategy="no", report_to=[], bf16=True, use_cpu=not gpu, max_length=512, disable_tqdm=True,
    ),
    train_dataset=load_dataset("json", data_files=rows, split="train"),
    processing_class=PreTrainedTokenizerFast.from_pretrained(base),
    peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
)  # fmt: skip
trainer.train()
trainer.save_model(out)
