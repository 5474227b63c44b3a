"""How much memory does one pass from base and adapter to a Q8_0 file take at 8 billion weights (G5).

Temper alone: three copies on the disk, as the stock tools make them, would not fit beside the base. Gate: the
file holds every tensor that the base has.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from engine.export.onepass.layout import read_layout
from scripts.benchmarks.g5_peak import watched
from scripts.gpu import shapes
from scripts.gpu.bench import Bench, Found
from scripts.gpu.carried import need_llama
from scripts.gpu.commands import environment
from scripts.gpu.out import _material
from scripts.gpu.plan import ROOT

MINUTES = 2.5
RANK = 16


def run(bench: Bench) -> Found:
    """A process of its own, watched; what its imports take is taken off, as in G5."""
    need_llama(bench)
    found = Found()
    name = "nano-gpt2" if bench.rehearse else bench.shape
    shape = shapes.SHAPES[name]
    base = _material.with_gpt2(name, _material.real_data(bench), bench.scratch / "base")
    adapter = random_adapter(shape, bench.scratch / "adapter")
    out = bench.scratch / "out" / "q8_0.gguf"
    out.parent.mkdir()
    imports = max(watch("imports")["peaks"])
    told = watch(str(base), str(adapter), str(out), "q8_0", "large model")
    extra = max(told["peaks"]) - imports
    tensors = len(read_layout(out).slots)
    expected = sum(len(one) for one in shapes.shards(shape))
    found.gate("every tensor", tensors == expected, f"{tensors} of {expected}, {out.stat().st_size:,} bytes")
    found.goal("G5: bytes of memory beside the imports", extra, "<= 2e9")
    found.figures |= {
        "seconds": round(told["seconds"], 1),
        "bytes written": told["written"],
        "of the file's size": round(told["written"] / out.stat().st_size, 3),
        "cores": len(os.sched_getaffinity(0)),
    }
    return found


def watch(*arguments: str) -> dict[str, Any]:
    """Temper's arm of G5 with its wall time and the peak of each process."""
    script = ROOT / "scripts" / "benchmarks" / "g5_temper.py"
    return watched([sys.executable, str(script), *arguments], environment())


def random_adapter(shape: shapes.LlamaShape, folder: Path) -> Path:
    """An adapter on every matrix, in float32, as PEFT writes one."""
    import torch
    from peft import LoraConfig
    from safetensors.torch import save_file

    torch.manual_seed(0)
    tensors, kinds = {}, set()
    for sizes in shapes.shards(shape)[1:]:
        for name, size in sizes.items():
            if len(size) == 2:
                module = f"base_model.model.{name.removesuffix('.weight')}"
                kinds.add(module.rpartition(".")[2])
                tensors[f"{module}.lora_A.weight"] = torch.randn(RANK, size[1]) * 0.01
                tensors[f"{module}.lora_B.weight"] = torch.randn(size[0], RANK) * 0.01
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    named = sorted(kinds)
    settings = LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=named, task_type="CAUSAL_LM")
    settings.save_pretrained(str(folder))
    return folder
