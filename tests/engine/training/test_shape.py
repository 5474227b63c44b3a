"""The shape of a model from its small files: against the models that Transformers builds from them."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from engine.training.shape import ModelShape, shape_of

FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {"tie_word_embeddings": False},
    "mistral": {},
    "qwen2": {"tie_word_embeddings": True},
    "qwen3": {"head_dim": 16},
    "gemma2": {"head_dim": 16},
    "gemma3_text": {"head_dim": 16},
    "phi3": {},
    "smollm3": {},
    "gpt_neox": {},
}
Family = tuple[ModelShape, Any]


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Family:
    """A family's shape as read, and the random model itself."""
    size = {
        "vocab_size": 200,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "pad_token_id": 0,
    }
    model = AutoModelForCausalLM.from_config(CONFIG_MAPPING[request.param](**size | FAMILIES[request.param]))
    folder = tmp_path_factory.mktemp(request.param) / "base"
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(builtin_directory("tiny") / name, folder / name)
    return shape_of(ModelDirectory(folder)), model


def test_all_weights_are_counted_once(family: Family) -> None:
    shape, model = family
    assert shape.parameters == sum(one.numel() for one in model.parameters())


def test_the_linear_layers_of_the_blocks_are_found(family: Family) -> None:
    shape, model = family
    linear = {
        name: (one.in_features, one.out_features)
        for name, one in model.named_modules()
        if isinstance(one, torch.nn.Linear) and not name.endswith(("lm_head", "embed_out"))
    }
    assert {one.name: (one.inputs, one.outputs) for one in shape.matrices} == linear


def test_every_layer_has_an_attention_and_a_way_out_of_both_halves(family: Family) -> None:
    shape, _ = family
    for layer in range(shape.layers):
        places = {one.place for one in shape.matrices if one.layer == layer}
        assert places == {"attention_in", "attention_out", "mlp_in", "mlp_out"}
