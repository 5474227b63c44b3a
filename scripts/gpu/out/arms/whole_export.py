"""The others of the stock tools of G13: PEFT's merge and save, llama.cpp's converter, its quantiser to Q8_0.

Usage: whole_export.py BASE ADAPTER MERGED OUT.gguf CONVERTER
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import llama_cpp
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

Q8_0 = 7  # llama.h: LLAMA_FTYPE_MOSTLY_Q8_0
base, adapter, merged, out, converter = sys.argv[1:]
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16), adapter)
model.merge_and_unload().save_pretrained(merged)
for file in ("tokenizer.json", "tokenizer_config.json"):
    shutil.copyfile(Path(base) / file, Path(merged) / file)
floats = f"{merged}.gguf"
subprocess.run([sys.executable, converter, merged, "--outfile", floats, "--outtype", "bf16"], check=True)
parameters = llama_cpp.llama_model_quantize_default_params()
parameters.ftype, parameters.nthread = Q8_0, os.cpu_count() or 1
if llama_cpp.llama_model_quantize(floats.encode(), out.encode(), parameters) != 0:
    raise SystemExit("llama.cpp refused the file")
