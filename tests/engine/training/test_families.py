"""One step of every family's architecture through the real entry, on a 4-bit base and on a whole one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from tests.engine.conftest import train_on

pytestmark = pytest.mark.training

FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {},
    "mistral": {"sliding_window": 16},
    "qwen2": {},
    "qwen3": {"head_dim": 16},
    "gemma2": {"head_dim": 16, "sliding_window": 16},
    "gemma3_text": {"head_dim": 16, "sliding_window": 16},
    "phi3": {},
    "smollm3": {},
    "stablelm": {},
}
PADDED = {"stablelm"}  # it does not hand the bounds of packed rows on to its attention


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A random model of two layers for each family, with the embedded base's tokenizer and template."""
    tiny = builtin_directory("tiny")
    config = ModelDirectory(tiny).config
    made = {}
    for kind, own in FAMILIES.items():
        torch.manual_seed(0)
        shape: dict[str, Any] = {
            "vocab_size": config["vocab_size"],
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 256,
            "bos_token_id": None,
            "eos_token_id": config["eos_token_id"],
            "pad_token_id": config["pad_token_id"],
        }
        folder = tmp_path_factory.mktemp("families") / kind
        AutoModelForCausalLM.from_config(CONFIG_MAPPING[kind](**shape | own)).save_pretrained(folder)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(tiny / name, folder / name)
        made[kind] = folder
    return made


@pytest.mark.parametrize("method", ["lora", "qlora"])
@pytest.mark.parametrize("kind", FAMILIES)
def test_a_family_learns_packed_where_that_is_proven(
    kind: str, method: str, bases: dict[str, Path], tmp_path: Path
) -> None:
    run = train_on(bases[kind], tmp_path, method=method, max_steps=2, batch_size=8)
    assert run.result.packed == (kind not in PADDED)
    assert run.recorder.losses[1] < run.recorder.losses[0]
