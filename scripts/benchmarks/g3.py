"""G3, memory: the peak of a training step of Temper as a share of the stock libraries', on the same rows.

loss step    against TRL's SFTTrainer: the goal. A vocabulary of 151,936 (Qwen's), rows of 512 tokens that all
             carry loss, a narrow model: the logits are nearly all of the peak
full logits  against Transformers' own Trainer, which computes all of them
control      a vocabulary of 512: there is nothing to save
Every arm computes activations twice, as TRL does by default, so that what differs is the loss. Gate: losses
of all steps within 1e-4, and the first step's gradients point the same way (cosine).
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

from engine.data.rendering import Row
from engine.models.builtin import builtin_directory
from engine.training.order import training_order
from scripts.benchmarks import g1_mix
from scripts.benchmarks.arms import Result, result
from scripts.benchmarks.g1 import COSINE, LOSS_WITHIN, SEED, arm, cosine

VOCABULARY, TINY = 151_936, 512
ROWS, LENGTH, STEPS = 4, 512, 2
HIDDEN, LAYERS = 128, 2
# Freed memory goes back to the system at once: what is resident is what is held
ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}


def measure(pairs: int) -> list[Result]:
    """All parts; the goal itself first."""
    os.environ.update(ALLOCATOR)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        large, small = Part(folder / "large", VOCABULARY), Part(folder / "small", TINY)
        goal = large.result("G3 loss step", "trl", pairs, "<= 0.25", small.ratios("trl", 1))
        logits = large.result("G3 full logits", "logits", 1, "<= 0.25", small.ratios("logits", 1))
        return [goal, logits]


class Part:
    """Both arms on the same random rows of one vocabulary."""

    def __init__(self, folder: Path, vocabulary: int) -> None:
        self.folder, self.model = folder, make_model(folder / "model", vocabulary)
        rows = random_rows(vocabulary)
        order = training_order([LENGTH] * len(rows), STEPS, ROWS, ROWS, SEED)
        self.ours = g1_mix.write(rows, folder / "rows.json")
        self.theirs = g1_mix.write([rows[index] for index in order], folder / "ordered.json")

    def runs(self, kind: str, pairs: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """What both arms printed, in turn."""
        return [
            (
                arm("g3_stock.py", self.model, self.theirs, STEPS, kind, self.gradients(0)),
                arm("g3_temper.py", self.model, self.ours, STEPS, self.gradients(1)),
            )
            for _ in range(pairs)
        ]

    def ratios(self, kind: str, pairs: int) -> list[float]:
        """Temper's peak over that of a stock arm."""
        return [ours["mib"] / stock["mib"] for stock, ours in self.runs(kind, pairs)]

    def result(self, goal: str, kind: str, pairs: int, target: str, control: list[float]) -> Result:
        """Measured, with the gate."""
        runs = self.runs(kind, pairs)
        worst = max(
            abs(a - b) for stock, ours in runs for a, b in zip(stock["losses"], ours["losses"], strict=True)
        )
        like = cosine(self.gradients(0), self.gradients(1))
        stock, ours = runs[-1]
        return result(
            goal,
            [ours["mib"] / stock["mib"] for stock, ours in runs],
            target=target,
            passed=worst <= LOSS_WITHIN and like >= COSINE,
            detail=f"losses of {STEPS} steps within {worst:.1e}; gradients' cosine {like:.6f}; "
            f"{stock['mib']:.0f} MiB stock, {ours['mib']:.0f} MiB Temper",
            control=control,
        )

    def gradients(self, index: int) -> Path:
        """Where an arm writes the first step's gradients."""
        return self.folder / f"gradients{index}.safetensors"


def make_model(folder: Path, vocabulary: int) -> Path:
    """A random narrow Llama with so many tokens, in the new directory `folder`."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=HIDDEN,
        intermediate_size=2 * HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=LENGTH,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):  # nothing is tokenised; trainers want one
        shutil.copyfile(builtin_directory("tiny") / name, folder / name)
    return folder


def random_rows(vocabulary: int) -> list[Row]:
    """Rows of LENGTH tokens that all carry loss, for every step of a run."""
    drawn = random.Random(0)
    ids = [[drawn.randrange(8, vocabulary) for _ in range(LENGTH)] for _ in range(STEPS * ROWS)]
    return [Row(one, one, line) for line, one in enumerate(ids)]
