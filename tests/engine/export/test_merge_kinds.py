"""Every kind of adapter merged as PEFT merges it, bit by bit; or as it was trained where PEFT does not."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from engine.export import tensor_file
from engine.export.merge import merge
from engine.export.reference import fit_vocabulary
from engine.models.directory import ModelDirectory
from tests.engine.export.untrained import (
    LAYERS,
    VOCABULARY,
    adapter_on,
    gpt2,
    llama,
    loaded,
    logits_of,
    peft_merged,
    weights_of,
    with_adapter,
)

CONV1D = ["c_attn", "c_proj", "c_fc"]
DTYPES = ["float32", "bfloat16", "float16"]
KINDS: dict[str, dict[str, Any]] = {
    "lora": {},
    "rslora": {"use_rslora": True},
    "dora": {"use_dora": True},
    "dora and rslora": {"use_dora": True, "use_rslora": True},
    "patterns": {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"0.mlp.*": 5, "down_proj": 3}},
    "biases of its own": {"lora_bias": True, "target_modules": ["q_proj", "v_proj"]},
    "trained biases": {"bias": "lora_only"},
    "modules to save": {"modules_to_save": ["lm_head", "embed_tokens", "norm"]},
    "embedding and head": {"target_modules": [*LAYERS, "embed_tokens", "lm_head"]},
}


def config_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return found


def ours(base: Path, adapter: Path, tmp_path: Path) -> Path:
    return merge(ModelDirectory(base), adapter, tmp_path / "merged")


def assert_equal(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    assert found.keys() == wanted.keys()
    for name, weight in found.items():
        assert weight.dtype == wanted[name].dtype, name
        assert torch.equal(weight, wanted[name]), name


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_merge_gives_every_bit_of_pefts_safe_merge(kind: str, dtype: str, tmp_path: Path) -> None:
    base = llama(tmp_path / "base", dtype)
    adapter = adapter_on(base, tmp_path / "adapter", **KINDS[kind])
    before, found = weights_of(base), weights_of(ours(base, adapter, tmp_path))
    assert_equal(found, peft_merged(base, adapter))
    assert not all(torch.equal(found[name], weight) for name, weight in before.items())


@pytest.mark.parametrize("kind", KINDS)
def test_a_merge_repeated_gives_the_same_bytes(kind: str, tmp_path: Path) -> None:
    base = llama(tmp_path / "base", "bfloat16")
    adapter = adapter_on(base, tmp_path / "adapter", **KINDS[kind])
    one, two = (merge(ModelDirectory(base), adapter, tmp_path / name) for name in ("one", "two"))
    files = sorted(file.name for file in one.iterdir())
    assert files == sorted(file.name for file in two.iterdir())
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in files)


@pytest.mark.parametrize("kind", ["lora", "dora", "embedding and head"])
def test_blocks_of_64_rows_give_the_same_bits(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensor_file, "BLOCK_BYTES", 64 * 32 * 4)
    base = llama(tmp_path / "base", "bfloat16")
    adapter = adapter_on(base, tmp_path / "adapter", **KINDS[kind])
    assert_equal(weights_of(ours(base, adapter, tmp_path)), peft_merged(base, adapter))


def test_pefts_default_merge_rounds_once_and_so_differs_by_the_roundings_at_most(tmp_path: Path) -> None:
    base = llama(tmp_path / "base", "bfloat16")
    adapter = adapter_on(base, tmp_path / "adapter")
    before, found = weights_of(base), weights_of(ours(base, adapter, tmp_path))
    once = peft_merged(base, adapter, safe=False)
    half = torch.finfo(torch.bfloat16).eps / 2  # most that rounding moves a number, relative to it
    differing = 0
    for name, weight in found.items():
        two, one = weight.double(), once[name].double()
        delta = (one - before[name].double()).abs()
        room = half * (1.01 * delta + 2 * half * one.abs() + one.abs() + two.abs())
        assert ((two - one).abs() <= room).all(), name
        differing += int((two != one).sum())
    assert differing > 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_adapter_stored_in_bf16_is_calculated_in_float32(dtype: str, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    base = llama(tmp_path / "base", dtype)
    adapter = adapter_on(base, tmp_path / "adapter")
    file = adapter / "adapter_model.safetensors"
    save_file({name: one.bfloat16() for name, one in load_file(file).items()}, file)
    assert_equal(weights_of(ours(base, adapter, tmp_path)), peft_merged(base, adapter))


@pytest.mark.parametrize("dtype", DTYPES)
def test_matrices_stored_the_other_way_round_are_merged_too(dtype: str, tmp_path: Path) -> None:
    base = gpt2(tmp_path / "base", dtype)
    adapter = adapter_on(base, tmp_path / "adapter", target_modules=CONV1D, fan_in_fan_out=True)
    wanted = peft_merged(base, adapter)
    del wanted["lm_head.weight"]  # tied
    assert_equal(weights_of(ours(base, adapter, tmp_path)), wanted)


@pytest.mark.parametrize("model", ["gpt2", "llama"])
def test_dora_over_columns_is_pefts_but_for_the_order_of_a_sum(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensor_file, "BLOCK_BYTES", 64 * 32 * 4)
    if model == "gpt2":
        base = gpt2(tmp_path / "base")
        settings: dict[str, Any] = {"target_modules": CONV1D, "fan_in_fan_out": True}
    else:
        base = llama(tmp_path / "base")
        settings = {"target_modules": ["embed_tokens"]}
    adapter = adapter_on(base, tmp_path / "adapter", use_dora=True, **settings)
    wanted = peft_merged(base, adapter)
    for name, weight in weights_of(ours(base, adapter, tmp_path)).items():
        torch.testing.assert_close(weight, wanted[name], rtol=2e-6, atol=1e-7, msg=name)


TIED: dict[str, tuple[dict[str, Any], bool]] = {
    "embedding saved": ({"modules_to_save": ["embed_tokens"]}, False),
    "head saved": ({"modules_to_save": ["lm_head"]}, False),
    "embedding adapted": ({"target_modules": ["embed_tokens", "q_proj"]}, False),
    "head adapted": ({"target_modules": ["lm_head", "q_proj"]}, False),
    "both saved apart": ({"modules_to_save": ["embed_tokens", "lm_head"]}, False),
    "saved and kept tied": ({"modules_to_save": ["embed_tokens"], "ensure_weight_tying": True}, True),
    "neither": ({}, True),
}


@pytest.mark.parametrize("kind", TIED)
def test_on_a_tied_base_the_merged_model_says_what_the_trained_one_says(kind: str, tmp_path: Path) -> None:
    settings, tied = TIED[kind]
    base = llama(tmp_path / "base", tied=True)
    adapter = adapter_on(base, tmp_path / "adapter", **settings)
    out = ours(base, adapter, tmp_path)
    trained, merged = with_adapter(base, adapter), AutoModelForCausalLM.from_pretrained(out)
    torch.testing.assert_close(logits_of(merged), logits_of(trained), rtol=1e-4, atol=1e-5)
    assert config_of(out)["tie_word_embeddings"] is tied
    assert ("lm_head.weight" in weights_of(out)) is not tied


def test_parting_a_tied_base_in_shards_lists_the_head_in_the_index(tmp_path: Path) -> None:
    base = llama(tmp_path / "base", tied=True, shard_size="40KB")
    adapter = adapter_on(base, tmp_path / "adapter", modules_to_save=["lm_head"])
    out = ours(base, adapter, tmp_path)
    index = json.loads((out / "model.safetensors.index.json").read_text(encoding="utf-8"))
    assert index["weight_map"].keys() == weights_of(out).keys()
    assert index["metadata"]["total_size"] == sum(one.nbytes for one in weights_of(out).values())
    trained, merged = with_adapter(base, adapter), AutoModelForCausalLM.from_pretrained(out)
    torch.testing.assert_close(logits_of(merged), logits_of(trained), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("rows", [VOCABULARY + 20, VOCABULARY - 20])
def test_a_resized_vocabulary_comes_out_in_its_new_size(tied: bool, rows: int, tmp_path: Path) -> None:
    base = llama(tmp_path / "base", tied=tied)
    adapter = adapter_on(base, tmp_path / "adapter", rows=rows)
    (adapter / "tokenizer.json").write_text("{}", encoding="utf-8")
    out = ours(base, adapter, tmp_path)
    wanted = peft_merged(base, adapter, rows=rows)
    if tied:
        del wanted["lm_head.weight"]
    assert_equal(weights_of(out), wanted)
    assert (config_of(out)["vocab_size"], config_of(out)["tie_word_embeddings"]) == (rows, tied)
    assert (out / "tokenizer.json").read_text(encoding="utf-8") == "{}"


def test_the_reference_takes_an_adapter_of_a_resized_vocabulary(tmp_path: Path) -> None:
    base = llama(tmp_path / "base")
    adapter = adapter_on(base, tmp_path / "adapter", rows=VOCABULARY + 20, modules_to_save=["embed_tokens"])
    out = ours(base, adapter, tmp_path)
    model = loaded(base)
    fit_vocabulary(model, adapter)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trained = PeftModel.from_pretrained(model, adapter).eval()
    merged = AutoModelForCausalLM.from_pretrained(out)
    assert logits_of(merged).shape[-1] == VOCABULARY + 20
    torch.testing.assert_close(logits_of(merged), logits_of(trained), rtol=1e-4, atol=1e-5)


def test_an_embedding_resized_without_its_head_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    from store.errors import UsageError

    base = llama(tmp_path / "base")
    adapter = adapter_on(base, tmp_path / "adapter", rows=VOCABULARY + 20)
    file = adapter / "adapter_model.safetensors"
    save_file({name: one for name, one in load_file(file).items() if "lm_head" not in name}, file)
    with pytest.raises(UsageError, match="embedding and head have 300 and 320 rows"):
        ours(base, adapter, tmp_path)
