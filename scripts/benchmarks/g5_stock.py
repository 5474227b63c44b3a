"""The stock arm of G5, as the libraries' documentation shows it: PEFT's merge (its safe kind, which rounds
the delta before it adds it) and save, llama.cpp's converter, its quantiser.

Usage: g5_stock.py BASE ADAPTER OUT.gguf FILE_TYPE CONVERTER NAME, or `imports` to stop behind the imports.
Prints the bytes that it and its children wrote.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import llama_cpp
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

if sys.argv[1:] == ["imports"]:
    sys.exit()
base, adapter, out, file_type, converter, name = sys.argv[1:]
merged, floats = Path(out).parent / "merged", Path(out).parent / "floats.gguf"
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16), adapter)
model = model.merge_and_unload(safe_merge=True)
model.save_pretrained(merged)
for file in ("tokenizer.json", "tokenizer_config.json"):
    shutil.copyfile(Path(base) / file, merged / file)
del model
convert = [sys.executable, converter, str(merged), "--outfile", str(floats), "--outtype", "bf16"]
subprocess.run([*convert, "--model-name", name], check=True, stderr=subprocess.DEVNULL)
parameters = llama_cpp.llama_model_quantize_default_params()
parameters.ftype, parameters.nthread = int(file_type), os.cpu_count() or 1
if llama_cpp.llama_model_quantize(str(floats).encode(), out.encode(), parameters) != 0:
    raise SystemExit("llama.cpp refused the file")
written = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())["wchar"]
print(json.dumps({"written": int(written)}))
