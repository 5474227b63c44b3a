"""Model directories for tests: a random Llama small enough to train in a second, and rows to train it on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec

from engine.data.rendering import Renderer, Row
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from engine.training.rows import render_rows
from store.records.data import Example, Message
from store.records.events import Event, Step
from store.records.recipe import Lora, Recipe

ANSWERS = ("red", "a long green line", "blue", "seven", "in the old house", "yes", "no", "tomorrow at noon")
EXAMPLES = [
    Example(f"r{n}", n + 1, [Message("user", f"Question number {n}?"), Message("assistant", answer)])
    for n, answer in enumerate(ANSWERS)
]
RECIPE = Recipe(
    base="micro",
    dataset="micro",
    max_steps=4,
    batch_size=4,
    learning_rate=1e-2,
    schedule="constant",
    max_length=128,
    checkpoint_every=0,
    lora=Lora(rank=8, alpha=16),
)


def recipe(**changes: Any) -> Recipe:
    """RECIPE with some fields changed."""
    return msgspec.structs.replace(RECIPE, **changes)


def micro_base(folder: Path, dtype: str = "float32", shard_size: str = "5GB") -> Path:
    """A random Llama of two layers with the embedded base's tokenizer and chat template."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.set_num_threads(1)  # so small a model only waits for a second thread
    tiny = builtin_directory("tiny")
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=ModelDirectory(tiny).config["vocab_size"],
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=ModelDirectory(tiny).config["eos_token_id"],
        pad_token_id=ModelDirectory(tiny).config["pad_token_id"],
        initializer_range=0.3,  # large enough that answers are decided, not nearly tied
    )
    model: Any = LlamaForCausalLM(config)
    model.to(getattr(torch, dtype)).save_pretrained(folder, max_shard_size=shard_size)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tiny / name, folder / name)
    return folder


def altered(base: Path, folder: Path, file: str, **changes: Any) -> Path:
    """A copy of a model directory in which a JSON file says something else; None takes a key away."""
    shutil.copytree(base, folder)
    path = folder / file
    content = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
    return folder


def rows_of(base: Path, examples: list[Example] = EXAMPLES, max_length: int = 128) -> list[Row]:
    """Examples as the base's chat template writes them."""
    return render_rows(Renderer(ModelDirectory(base), "", ""), examples, max_length)[0]


class Recorder:
    """Hears what training says; asks it to stop after `stop_after` steps."""

    def __init__(self, stop_after: int = 1 << 30) -> None:
        self.events: list[Event] = []
        self._stop_after = stop_after

    def emit(self, event: Event) -> None:
        """Keep the event."""
        self.events.append(event)

    def stop_requested(self) -> bool:
        """Whether enough steps were heard."""
        return len(self.losses) >= self._stop_after

    @property
    def losses(self) -> list[float]:
        """The loss of every step so far."""
        return [event.loss for event in self.events if isinstance(event, Step)]
