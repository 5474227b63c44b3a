"""Merging takes little memory whatever the base: 3 GB in a single file, under a limit of the kernel's."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import save_file

from engine.export.tensor_file import TensorReader, TensorSpec, TensorWriter, row_blocks
from engine.models.adapters import WEIGHTS
from engine.models.builtin import builtin_directory

LIMIT = 1_500_000_000  # bytes of anonymous memory, libraries included
WIDE, VOCABULARY, HIDDEN, RANK = 14_336, 128_256, 4_096, 16
EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"
UP, NORM = "model.layers.{}.mlp.up_proj.weight", "model.norm.weight"
LAYERS = 8

MERGE = """
import json, resource, sys, time
from pathlib import Path

import torch

from engine.export.merge import merge
from engine.models.directory import ModelDirectory

base, adapter, out, limit = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_DATA, (int(limit), int(limit)))
try:
    torch.empty(int(limit), dtype=torch.uint8)
    sys.exit("the limit holds nothing back")
except RuntimeError:
    pass

def kilobytes(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))

peak, before = 0, kilobytes("RssAnon")
def wrote(written):
    global peak
    peak = max(peak, kilobytes("RssAnon"))

begin = time.monotonic()
merge(ModelDirectory(Path(base)), Path(adapter), Path(out), wrote=wrote)
seconds = time.monotonic() - begin
sizes = {"before": before * 1024, "peak": peak * 1024, "all": kilobytes("VmHWM") * 1024}
print(json.dumps(sizes | {"seconds": seconds}))
"""


class Measured(NamedTuple):
    """What the merging process said of itself, in bytes and seconds; `all` has mapped files too."""

    before: int
    peak: int
    all: int
    seconds: float


def large_base(folder: Path) -> Path:
    """A base of 3 GB in one file: embedding and head of 1.05 GB each, eight matrices of 117 MB."""
    folder.mkdir()
    shapes = [(EMBEDDING, (VOCABULARY, HIDDEN)), (HEAD, (VOCABULARY, HIDDEN)), (NORM, (HIDDEN,))]
    shapes += [(UP.format(layer), (WIDE, HIDDEN)) for layer in range(LAYERS)]
    specs = [TensorSpec(name, "BF16", (), 0).reshaped(shape) for name, shape in shapes]
    writer = TensorWriter(folder / "model.safetensors", specs, {"format": "pt"})
    torch.manual_seed(1)
    for spec in specs:
        for start, stop in row_blocks(spec.rows, spec.width):
            writer.write(torch.randn(stop - start, spec.width).bfloat16())
    writer.close()
    (folder / "config.json").write_text(json.dumps({"dtype": "bfloat16", "vocab_size": VOCABULARY}))
    shutil.copyfile(builtin_directory("tiny") / "tokenizer.json", folder / "tokenizer.json")
    return folder


def large_adapter(folder: Path) -> Path:
    """LoRA of rank 16 on every matrix."""
    folder.mkdir()
    torch.manual_seed(2)
    tensors = {
        "model.embed_tokens.lora_embedding_A": torch.randn(RANK, VOCABULARY),
        "model.embed_tokens.lora_embedding_B": torch.randn(HIDDEN, RANK),
        "lm_head.lora_A.weight": torch.randn(RANK, HIDDEN),
        "lm_head.lora_B.weight": torch.randn(VOCABULARY, RANK),
    }
    for layer in range(LAYERS):
        module = UP.format(layer).removesuffix(".weight")
        tensors[f"{module}.lora_A.weight"] = torch.randn(RANK, HIDDEN)
        tensors[f"{module}.lora_B.weight"] = torch.randn(WIDE, RANK)
    save_file({f"base_model.model.{name}": one for name, one in tensors.items()}, folder / WEIGHTS)
    settings = {"peft_type": "LORA", "r": RANK, "lora_alpha": 2 * RANK}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return folder


def merged_under_limit(base: Path, adapter: Path, out: Path) -> Measured:
    arguments = [str(base), str(adapter), str(out), str(LIMIT)]
    ended = subprocess.run(
        [sys.executable, "-c", MERGE, *arguments], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return Measured(**json.loads(ended.stdout))


@pytest.mark.slow
def test_three_gigabytes_in_one_file_merge_within_the_limit(tmp_path: Path) -> None:
    base, adapter = large_base(tmp_path / "base"), large_adapter(tmp_path / "adapter")
    assert (base / "model.safetensors").stat().st_size > 3_000_000_000
    measured = merged_under_limit(base, adapter, tmp_path / "out")
    print(measured)
    assert measured.peak < LIMIT
    assert measured.all < LIMIT  # the kernel's own highest mark, which no sample can miss
    with (
        TensorReader(base / "model.safetensors") as before,
        TensorReader(tmp_path / "out" / "model.safetensors") as after,
        TensorReader(adapter / WEIGHTS) as added,
    ):
        assert list(after.specs.values()) == list(before.specs.values())
        assert torch.equal(after.whole(NORM), before.whole(NORM))
        for name, rows in ((HEAD, VOCABULARY), (UP.format(LAYERS - 1), WIDE)):
            module = "base_model.model." + name.removesuffix(".weight")
            down, up = added.whole(f"{module}.lora_A.weight"), added.whole(f"{module}.lora_B.weight")
            for start in (0, rows // 2, rows - 100):
                delta = ((up[start : start + 100] @ down) * 2).bfloat16()
                wanted = before.rows(name, start, start + 100) + delta
                torch.testing.assert_close(after.rows(name, start, start + 100), wanted, rtol=1e-2, atol=1e-2)
        module = "base_model.model.model.embed_tokens.lora_embedding_"
        down, up = added.whole(module + "A"), added.whole(module + "B")
        delta = ((up @ down[:, -100:]).T * 2).bfloat16()
        wanted = before.rows(EMBEDDING, VOCABULARY - 100, VOCABULARY) + delta
        found = after.rows(EMBEDDING, VOCABULARY - 100, VOCABULARY)
        torch.testing.assert_close(found, wanted, rtol=1e-2, atol=1e-2)
