"""A short QLoRA run through the product's own training, on the embedded model or on random weights.

Random weights in a real shape learn nothing, and take the same time and memory as real ones.
"""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import torch
from safetensors.torch import save_file

from engine.data.rendering import Row
from engine.models.builtin import builtin_directory
from engine.models.directory import INDEX, ModelDirectory
from engine.training.data import TrainingData
from engine.training.session import train
from store.records.events import Event, Step
from store.records.recipe import Lora, Recipe

WARM_UP = 2
SEED = 0

# Llama 3's shapes, from the config.json that Meta published with them
SHAPES: dict[str, dict[str, int]] = {
    "1b": {
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
    },
    "8b": {
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
    },
}
KEY_VALUE_HEADS = 8
VOCABULARY = 128_256


class Recorder:
    """Keeps the steps; never asks to stop."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def emit(self, event: Event) -> None:
        """Keep a step."""
        if isinstance(event, Step):
            self.steps.append(event)

    def stop_requested(self) -> bool:
        """Never."""
        return False


def measure(shape: str, steps: int, batch: int, length: int) -> dict[str, Any]:
    """Train and sum up: {tokens_per_second, peak_memory_bytes, first_loss, last_loss}."""
    with tempfile.TemporaryDirectory(prefix="temper-gpu-") as name:
        scratch = Path(name)
        path = builtin_directory("tiny") if shape == "tiny" else random_model(scratch / "base", shape)
        base = ModelDirectory(path)
        recorder = Recorder()
        recipe = Recipe(
            base=str(path),
            max_steps=steps,
            batch_size=batch,
            max_length=length,
            checkpoint_every=0,
            lora=Lora(rank=16, alpha=32),
        )
        rows = random_rows(base, steps * batch, length)
        result = train(base, recipe, TrainingData(rows), recorder, scratch / "run", scratch / "adapter")
    # batches are counted when they are fetched, one ahead: the first steps have too many, the last has none
    timed = recorder.steps[WARM_UP:-1] or recorder.steps
    return {
        "tokens_per_second": median(step.tokens_per_second for step in timed),
        "peak_memory_bytes": result.peak_memory_bytes,
        "first_loss": recorder.steps[0].loss,
        "last_loss": recorder.steps[-1].loss,
    }


def random_rows(base: ModelDirectory, count: int, length: int) -> list[Row]:
    """Rows of random tokens, all of them trained on; no longer than the model's context."""
    numbers = random.Random(SEED)
    length = min(length, base.context_length or length)
    size = int(base.config["vocab_size"])
    rows = []
    for line in range(1, count + 1):
        ids = [numbers.randrange(size) for _ in range(length)]
        rows.append(Row(ids, list(ids), line))
    return rows


def random_model(folder: Path, shape: str) -> Path:
    """A model of `shape` with random bf16 weights, a shard per layer, and the embedded model's tokenizer."""
    folder.mkdir(parents=True)
    tiny = builtin_directory("tiny")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy2(tiny / name, folder / name)
    own = SHAPES[shape]
    config = json.loads((tiny / "config.json").read_text(encoding="utf-8")) | own
    config |= {"num_key_value_heads": KEY_VALUE_HEADS, "vocab_size": VOCABULARY, "dtype": "bfloat16"}
    config |= {"head_dim": own["hidden_size"] // own["num_attention_heads"], "max_position_embeddings": 8192}
    config["tie_word_embeddings"] = False
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    torch.manual_seed(SEED)
    weight_map: dict[str, str] = {}
    for number, shapes in enumerate(shards(own)):
        file = f"model-{number:05}.safetensors"
        save_file(
            {name: weight(name, size) for name, size in shapes.items()}, folder / file, {"format": "pt"}
        )
        weight_map |= dict.fromkeys(shapes, file)
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}), encoding="utf-8")
    return folder


def shards(own: dict[str, int]) -> list[dict[str, tuple[int, ...]]]:
    """Names and shapes of a Llama's tensors: one shard for each layer, one for the rest."""
    hidden, inner = own["hidden_size"], own["intermediate_size"]
    narrow = hidden // own["num_attention_heads"] * KEY_VALUE_HEADS
    layer = {
        "self_attn.q_proj": (hidden, hidden),
        "self_attn.k_proj": (narrow, hidden),
        "self_attn.v_proj": (narrow, hidden),
        "self_attn.o_proj": (hidden, hidden),
        "mlp.gate_proj": (inner, hidden),
        "mlp.up_proj": (inner, hidden),
        "mlp.down_proj": (hidden, inner),
        "input_layernorm": (hidden,),
        "post_attention_layernorm": (hidden,),
    }
    rest: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (VOCABULARY, hidden),
        "model.norm.weight": (hidden,),
        "lm_head.weight": (VOCABULARY, hidden),
    }
    return [
        rest,
        *(
            {f"model.layers.{number}.{name}.weight": size for name, size in layer.items()}
            for number in range(own["num_hidden_layers"])
        ),
    ]


def weight(name: str, size: tuple[int, ...]) -> torch.Tensor:
    """Ones for norms, small normal numbers for the rest, as Llama starts."""
    if "norm" in name:
        return torch.ones(size, dtype=torch.bfloat16)
    return torch.empty(size, dtype=torch.bfloat16).normal_(std=0.02)
