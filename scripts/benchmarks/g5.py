"""G5, export: base and adapter to a quantised GGUF in one pass, against PEFT's merge and save, llama.cpp's
converter and its quantiser. A random Llama of 24 layers, hidden 896, vocabulary 151,936, in bfloat16.

Q8_0         wall time of the whole command, imports included: the goal
bytes        written by all processes of an arm (wchar of /proc/PID/io), Temper's as a share of stock's
memory       peak of anonymous memory less that after the imports, largest over an arm's processes, as a share
Q4_K_M       bound by compute: the share of what all cores would do at the rate of one thread of ggml's
             quantiser that does nothing else, measured just before
Gate: both files have the same tensors by name, type, shape and every byte, and the same metadata.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.export.onepass.ggml import encoded
from engine.export.onepass.layout import read_layout
from scripts.benchmarks.arms import FULL_PAIRS, ROOT, Result, result
from scripts.benchmarks.g5_gate import differences
from scripts.benchmarks.g5_peak import watched
from scripts.real_runs.commands import shared_data
from scripts.real_runs.tokenizers import gpt2
from store.paths import converter_dir

HERE = Path(__file__).resolve().parent
VOCABULARY, HIDDEN, LAYERS = 151_936, 896, 24
FILE_TYPES = {"q8_0": 7, "q4_k_m": 15}  # llama.h
NAME = "g5 model"
RATE_ROWS = 4096
LARGE_PAIRS = 5  # of about half a minute each: as many as every goal has at least


def measure(pairs: int) -> Iterator[Result]:
    """The goal first, then what else it has to be."""
    data = shared_data()
    if data is None:
        raise SystemExit("G5 exports with a real tokenizer: set TEMPER_SHARED_DATA to its folder.")
    with tempfile.TemporaryDirectory() as scratch:
        arms = Arms(Path(scratch), data)
        runs = [arms.pair("q8_0") for _ in range(LARGE_PAIRS if pairs >= FULL_PAIRS else 1)]
        passed, detail = arms.gate("q8_0")
        told: dict[str, Any] = {"passed": passed, "detail": detail}
        yield result("G5 Q8_0", [a["seconds"] / b["seconds"] for a, b in runs], target=">= 3", **told)
        yield result("G5 bytes", [b["written"] / a["written"] for a, b in runs], target="<= 0.25", **told)
        told["detail"] = "; ".join(f"{name} {arms.peaks(run)}" for name, run in zip(
            ("stock", "Temper"), runs[-1], strict=True))  # fmt: skip
        shares = [arms.extra(b) / arms.extra(a) for a, b in runs]
        yield result("G5 memory", shares, target="<= 0.25", **told)
        arms.pair("q4_k_m")
        passed, detail = arms.gate("q4_k_m")
        share, rates = arms.share_of_rate("q4_k_m")
        yield result(
            "G5 Q4_K_M", [share], target=">= 0.8", passed=passed, detail=detail, weights_per_second=rates
        )


class Arms:
    """Both arms on one base and adapter."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder, self.base, self.adapter = folder, folder / "base", folder / "adapter"
        make_model(self.base, self.adapter, data)
        self.converter = converter_dir()
        self.environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
        modules = [str(self.converter / "gguf-py"), str(self.converter)]
        imports = f"import sys; sys.path[:0] = {modules}; import torch, gguf, conversion"
        self.before = {"converter": self._watched("-c", imports)["peaks"][0]}
        for script in ("g5_stock.py", "g5_temper.py"):
            self.before[script] = self._watched(str(HERE / script), "imports")["peaks"][0]

    def pair(self, kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Stock and Temper, one after the other."""
        script = str(self.converter / "convert_hf_to_gguf.py")
        stock = self._arm("g5_stock.py", kind, str(FILE_TYPES[kind]), script, NAME)
        ours = self._arm("g5_temper.py", kind, kind, NAME)
        for run in (stock, ours):
            print(f"{kind} {run['arm']}: {run['seconds']:.1f} s", file=sys.stderr, flush=True)
        self.last = ours
        return stock, ours

    def extra(self, run: dict[str, Any]) -> int:
        """Bytes: the largest peak over an arm's processes, each less what its imports take."""
        first, *others = run["peaks"]
        imports = self.before["converter"]
        return int(max([first - self.before[run["arm"]], *(peak - imports for peak in others)]))

    def peaks(self, run: dict[str, Any]) -> str:
        """`extra` and the bytes written, in words."""
        return f"{self.extra(run) / 1e6:.0f} MB of memory, {run['written'] / 1e6:.0f} MB written"

    def file(self, arm: str, kind: str) -> Path:
        """What an arm made."""
        return self.folder / arm.removesuffix(".py") / f"{kind}.gguf"

    def gate(self, kind: str) -> tuple[bool, str]:
        """Whether both arms made the same."""
        one, two = self.file("g5_stock.py", kind), self.file("g5_temper.py", kind)
        found = differences(one, two)
        layout = read_layout(two)
        same = f"{len(layout.slots)} tensors and {len(layout.metadata)} keys equal, every byte"
        return not found, f"{len(found)} differ, for example {found[0]}" if found else same

    def share_of_rate(self, kind: str) -> tuple[float, dict[int, float]]:
        """Seconds that all cores would take at one thread's rates, over those that the writing took.

        With the rates: weights per second of ggml's quantiser alone, by ggml's type.
        """
        slots = [s for s in read_layout(self.file("g5_temper.py", kind)).slots if len(s.shape) > 1]
        rates = {slot.type: rate(slot.type) for slot in slots}
        alone = sum(slot.rows * slot.width / rates[slot.type] for slot in slots)
        return alone / len(os.sched_getaffinity(0)) / float(self.last["writing"]), rates

    def _arm(self, script: str, kind: str, *arguments: str) -> dict[str, Any]:
        out = self.file(script, kind)
        shutil.rmtree(out.parent, ignore_errors=True)
        out.parent.mkdir()
        given = str(self.base), str(self.adapter), str(out)
        return self._watched(str(HERE / script), *given, *arguments) | {"arm": script}

    def _watched(self, *arguments: str) -> dict[str, Any]:
        return watched([sys.executable, *arguments], self.environment)


def rate(kind: int) -> float:
    """Weights per second that one thread quantises to a type of ggml, at best of three."""
    import torch

    rows = torch.randn(RATE_ROWS, 1024)
    best = 0.0
    for _ in range(3):
        begin = time.perf_counter()
        encoded(rows, kind)
        best = max(best, rows.numel() / (time.perf_counter() - begin))
    return best


def make_model(base: Path, adapter: Path, data: Path) -> None:
    """A random Llama with GPT-2's tokenizer, which the stock converter knows, and a random adapter on it."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=4864,
        num_hidden_layers=LAYERS,
        num_attention_heads=14,
        num_key_value_heads=2,
        max_position_embeddings=32_768,
        tie_word_embeddings=True,
        bos_token_id=50_256,
        eos_token_id=50_256,
    )
    model: Any = LlamaForCausalLM(config)
    model.to(torch.bfloat16)
    model.save_pretrained(base)
    gpt2(data, base)
    # else Transformers would give it the tokenizer class of the model's type
    tokenizer = {
        "eos_token": "<|endoftext|>",
        "add_bos_token": False,
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    (base / "tokenizer_config.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    tuned = get_peft_model(model, lora)
    for parameter in tuned.parameters():
        if parameter.requires_grad:
            parameter.data = torch.randn(parameter.shape) * 0.01
    tuned.save_pretrained(str(adapter))
