"""Adapter GGUF: over the base's GGUF it is the merged GGUF; what the format cannot hold is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from engine.export.adapter_gguf import adapter_to_gguf
from engine.export.convert import to_gguf
from engine.export.merge import merge
from engine.export.quantise import quantise
from engine.export.ship.positions import divergence
from engine.export.tolerances import TOLERANCES
from engine.inference.llama import Context, Model
from engine.inference.lora import LoraAdapter, put_on
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from store.errors import TemperError, UsageError
from tests.engine.export.untrained import LAYERS, adapter_on

pytestmark = pytest.mark.training

TEXT = list(range(40, 72))
SHAPE: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "tie_word_embeddings": True,
}
PATTERNS = {"rank_pattern": {"q_proj": 8}, "alpha_pattern": {"layers.1.mlp.up_proj": 3.0}}
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "llama": ("llama", {}, {}),
    "llama, rsLoRA": ("llama", {}, {"use_rslora": True}),
    "llama, ranks and alphas by layer": ("llama", {}, PATTERNS),
    "llama, embedding and head": (
        "llama",
        {"tie_word_embeddings": False},
        {"target_modules": [*LAYERS, "embed_tokens", "lm_head"]},
    ),
    "qwen2": ("qwen2", {}, {}),
    "qwen3": ("qwen3", {"head_dim": 16}, {}),
    "gemma3": ("gemma3_text", {"head_dim": 16, "sliding_window": 16}, {}),
    "phi3": ("phi3", {}, {"target_modules": "all-linear"}),
    "gpt2": (
        "gpt2",
        {"n_positions": 128},
        {"target_modules": ["c_attn", "c_proj", "c_fc"]},
    ),
}
"""The kind of model, its settings and the adapter's."""

Made = Callable[..., tuple[ModelDirectory, Path]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A random base of a kind and a random adapter on it."""

    def make(kind: str = "llama", own: dict[str, Any] | None = None, **settings: Any) -> Any:
        folder = tmp_path_factory.mktemp("made")
        tiny = builtin_directory("tiny")
        known = ModelDirectory(tiny).config
        tokens = {key: known[key] for key in ("vocab_size", "eos_token_id", "pad_token_id")}
        torch.manual_seed(3)
        config = CONFIG_MAPPING[kind](**SHAPE | tokens | {"bos_token_id": None} | (own or {}))
        config.initializer_range = 0.2
        AutoModelForCausalLM.from_config(config).save_pretrained(folder / "base")
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(tiny / name, folder / "base" / name)
        return ModelDirectory(folder / "base"), adapter_on(folder / "base", folder / "adapter", **settings)

    return make


def logits(context: Context) -> np.ndarray[Any, Any]:
    """What a context says behind every token of TEXT, [tokens, vocabulary]."""
    context.clear()
    rows = []
    for token in TEXT:
        context.append(token)
        rows.append(context.logits.copy())
    return np.stack(rows)


QUICK = {"llama, rsLoRA", "gemma3", "gpt2"}


@pytest.mark.parametrize(
    "case", [case if case in QUICK else pytest.param(case, marks=pytest.mark.slow) for case in CASES]
)
def test_over_the_base_it_says_what_the_merged_file_says(case: str, made: Made, tmp_path: Path) -> None:
    kind, own, settings = CASES[case]
    base, adapter = made(kind, own, **settings)
    file = adapter_to_gguf(base, adapter, tmp_path / "adapter.gguf", metadata={"temper.origin": "here"})
    over = Model(to_gguf(base.path, tmp_path / "base.gguf"))
    merged = Model(to_gguf(merge(base, adapter, tmp_path / "merged"), tmp_path / "merged.gguf"))
    context, whole = Context(over, 64), Context(merged, 64)
    bare, wanted = logits(context), logits(whole)
    put_on(context, [(LoraAdapter(over, file), 1.0)])
    got = logits(context)
    # keys and values are kept in float16 on both sides, of numbers that differ in their last bits
    assert np.abs(got - wanted).max() < 0.05
    assert np.abs(bare - wanted).max() > 20 * np.abs(got - wanted).max()
    put_on(context, [])
    assert np.array_equal(logits(context), bare)
    for one in (context, whole, over, merged):
        one.close()


def test_over_an_eight_bit_base_it_is_as_near_to_the_merged_file_as_the_type_allows(
    made: Made, tmp_path: Path
) -> None:
    kind = "q8_0"
    base, adapter = made("llama", {"hidden_size": 256, "intermediate_size": 256})
    file = adapter_to_gguf(base, adapter, tmp_path / "adapter.gguf")
    said = {}
    for name, source in (("base", base.path), ("merged", merge(base, adapter, tmp_path / "merged"))):
        exact = to_gguf(source, tmp_path / f"{name}-f32.gguf")
        model = Model(quantise(exact, tmp_path / f"{name}-{kind}.gguf", kind))
        context = Context(model, 64)
        said[name] = logits(context)
        if name == "base":
            put_on(context, [(LoraAdapter(model, file), 1.0)])
            said["over"] = logits(context)
        context.close()
        model.close()
    apart = divergence(said["merged"], said["over"])
    # both are rounded, each in its own way: twice what the type may cost
    assert apart.mean() < 2 * TOLERANCES[kind].kl_mean[0]
    assert divergence(said["merged"], said["base"]).mean() > 10 * apart.mean()


def test_half_the_numbers_in_16_bits_are_near(made: Made, tmp_path: Path) -> None:
    base, adapter = made()
    exact, short = (adapter_to_gguf(base, adapter, tmp_path / f"{one}.gguf", one) for one in ("f32", "f16"))
    assert short.stat().st_size < 0.7 * exact.stat().st_size
    model = Model(to_gguf(base.path, tmp_path / "base.gguf"))
    context = Context(model, 64)
    said = []
    for file in (exact, short):
        put_on(context, [(LoraAdapter(model, file), 1.0)])
        said.append(logits(context))
    assert 0 < np.abs(said[0] - said[1]).max() < 0.1
    context.close()
    model.close()


def test_an_adapter_for_another_base_is_refused_when_it_is_loaded(made: Made, tmp_path: Path) -> None:
    base, adapter = made()
    file = adapter_to_gguf(base, adapter, tmp_path / "adapter.gguf")
    other, _ = made("llama", {"hidden_size": 32, "num_attention_heads": 2})
    model = Model(to_gguf(other.path, tmp_path / "other.gguf"))
    with pytest.raises(UsageError, match="does not fit the model"):
        LoraAdapter(model, file)
    model.close()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"lora_bias": True}, "lora_bias"),
        ({"target_modules": ["q_proj", "embed_tokens"]}, "both as embedding and as head"),
    ],
)
def test_what_the_format_cannot_hold_is_refused_with_the_reason(
    settings: dict[str, Any], reason: str, made: Made, tmp_path: Path
) -> None:
    own = {"tie_word_embeddings": "embed_tokens" in settings.get("target_modules", [])}
    own |= {"attention_bias": True, "mlp_bias": True} if "lora_bias" in settings else {}
    base, adapter = made("llama", own, **settings)
    with pytest.raises(UsageError, match="no adapter GGUF") as caught:
        adapter_to_gguf(base, adapter, tmp_path / "adapter.gguf")
    assert reason in caught.value.happened
    assert list(tmp_path.iterdir()) == []


def test_an_architecture_that_llama_cpp_does_not_know_is_refused(made: Made, tmp_path: Path) -> None:
    base, adapter = made()
    config = (base.path / "config.json").read_text(encoding="utf-8")
    (base.path / "config.json").write_text(config.replace("LlamaForCausalLM", "MarvellousForCausalLM"))
    with pytest.raises(TemperError, match="Marvellous"):
        adapter_to_gguf(ModelDirectory(base.path), adapter, tmp_path / "adapter.gguf")
    assert list(tmp_path.iterdir()) == []
