"""Merging: the same weights as PEFT's own merge, and nothing at all where an adapter does not fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from engine.export.merge import merge
from engine.models.adapters import WEIGHTS
from engine.models.directory import ModelDirectory
from store.errors import MissingError, TemperError
from tests.bases import micro_base
from tests.engine.conftest import Trained


def peft_merge(base: Path, adapter: Path, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """What PEFT's merge_and_unload gives, by name; `safe_merge` rounds the update before it adds it."""
    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=dtype)
    merged = PeftModel.from_pretrained(model, adapter).merge_and_unload(safe_merge=True)
    weights: dict[str, torch.Tensor] = merged.state_dict()
    return weights


def assert_same(out: Path, wanted: dict[str, torch.Tensor]) -> None:
    found = {
        name: weight for shard in ModelDirectory(out).shards for name, weight in load_file(shard).items()
    }
    assert found.keys() <= wanted.keys()
    assert len(found) == len(wanted) - ("lm_head.weight" not in found)  # tied to the embedding
    for name, weight in found.items():
        assert torch.equal(weight, wanted[name]), name


def changed(adapter: Path, folder: Path, **changes: Any) -> Path:
    """A copy of an adapter whose config says something else."""
    shutil.copytree(adapter, folder)
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")
    return folder


@pytest.mark.training
def test_merging_gives_every_bit_of_pefts_own_merge(trained: Trained, merged: Path) -> None:
    assert_same(merged, peft_merge(trained.base, trained.adapter, torch.float32))


@pytest.mark.training
def test_merging_changes_what_the_adapter_is_for_and_nothing_else(trained: Trained, merged: Path) -> None:
    before, after = (load_file(folder / "model.safetensors") for folder in (trained.base, merged))
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert same == {name for name in before if "proj" not in name}


@pytest.mark.training
def test_a_bf16_base_in_several_shards_stays_one(trained: Trained, tmp_path: Path) -> None:
    base = micro_base(tmp_path / "base", "bfloat16", shard_size="100KB")
    counted: list[int] = []
    out = merge(ModelDirectory(base), trained.adapter, tmp_path / "out", counted.append)
    assert_same(out, peft_merge(base, trained.adapter, torch.bfloat16))
    shards = ModelDirectory(out).shards
    assert [shard.name for shard in shards] == [shard.name for shard in ModelDirectory(base).shards]
    assert counted == list(range(1, len(shards) + 1))
    assert len(shards) > 2


@pytest.mark.training
@pytest.mark.parametrize(
    "changes", [{"use_rslora": True}, {"alpha_pattern": {"q_proj": 7}}, {"lora_alpha": 3}], ids=str
)
def test_the_scale_is_what_the_adapters_config_says(
    changes: dict[str, Any], trained: Trained, tmp_path: Path
) -> None:
    adapter = changed(trained.adapter, tmp_path / "adapter", **changes)
    out = merge(ModelDirectory(trained.base), adapter, tmp_path / "out")
    assert_same(out, peft_merge(trained.base, adapter, torch.float32))


@pytest.mark.training
def test_tokenizer_template_and_config_come_along(trained: Trained, merged: Path) -> None:
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        assert (merged / name).read_bytes() == (trained.base / name).read_bytes()


class Refused(NamedTuple):
    """A merge that must not happen."""

    base: ModelDirectory
    adapter: Path
    out: Path

    def check(self, match: str) -> None:
        """It raises, and leaves nothing behind."""
        with pytest.raises(TemperError, match=match):
            merge(self.base, self.adapter, self.out)
        assert list(self.out.parent.iterdir()) == []


@pytest.fixture
def attempt(trained: Trained, tmp_path: Path) -> Refused:
    shutil.copytree(trained.adapter, tmp_path / "adapter")
    (tmp_path / "to").mkdir()
    return Refused(ModelDirectory(trained.base), tmp_path / "adapter", tmp_path / "to" / "merged")


def rewrite(adapter: Path, rename: dict[str, str], width: int = 0) -> None:
    """Give tensors other names, and the A matrices another width."""
    file = adapter / WEIGHTS
    tensors = load_file(file)
    for old, new in rename.items():
        tensors = {name.replace(old, new): weight for name, weight in tensors.items()}
    if width:
        tensors = {n: torch.zeros(w.shape[0], width) if "lora_A" in n else w for n, w in tensors.items()}
    save_file(tensors, file)


@pytest.mark.training
def test_an_adapter_with_layers_that_the_base_lacks_is_refused(attempt: Refused) -> None:
    rewrite(attempt.adapter, {"layers.1.": "layers.9."})
    attempt.check("made for another base")


@pytest.mark.training
def test_an_adapter_of_another_width_is_refused(attempt: Refused) -> None:
    rewrite(attempt.adapter, {}, width=48)
    attempt.check("made for another base")


@pytest.mark.training
def test_an_adapter_with_unknown_tensors_is_refused(attempt: Refused) -> None:
    rewrite(attempt.adapter, {"lora_B": "lora_magnitude"})
    attempt.check("holds something unknown")


@pytest.mark.training
def test_an_adapter_without_the_lengths_of_dora_is_refused(attempt: Refused, tmp_path: Path) -> None:
    adapter = changed(attempt.adapter, tmp_path / "changed", use_dora=True)
    attempt._replace(adapter=adapter).check("not what its settings say")


@pytest.mark.training
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("peft_type", "IA3"),
        ("target_parameters", ["mlp.experts.gate_up_proj"]),
        ("trainable_token_indices", [1, 2]),
        ("layer_replication", [[0, 2]]),
        ("alora_invocation_tokens", [5]),
        ("init_lora_weights", "pissa_niter_4"),
        ("init_lora_weights", "olora"),
    ],
)
def test_an_adapter_that_is_more_than_two_matrices_is_refused(
    key: str, value: Any, attempt: Refused, tmp_path: Path
) -> None:
    adapter = changed(attempt.adapter, tmp_path / "changed", **{key: value})
    attempt._replace(adapter=adapter).check("cannot be merged")


@pytest.mark.training
def test_an_adapter_with_one_matrix_of_a_pair_is_refused(attempt: Refused) -> None:
    rewrite(attempt.adapter, {"0.self_attn.q_proj.lora_B": "0.self_attn.other.lora_B"})
    attempt.check("not what its settings say")


@pytest.mark.training
def test_pickled_adapter_weights_are_refused(attempt: Refused) -> None:
    (attempt.adapter / WEIGHTS).rename(attempt.adapter / "adapter_model.bin")
    with pytest.raises(MissingError, match="no safetensors weights"):
        merge(attempt.base, attempt.adapter, attempt.out)


@pytest.mark.training
def test_too_small_a_disk_is_said_before_anything_is_written(
    attempt: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    attempt.check("disk is too small for the merged model")


@pytest.mark.training
def test_the_same_merge_twice_is_the_same_bytes(trained: Trained, merged: Path, tmp_path: Path) -> None:
    again = merge(ModelDirectory(trained.base), trained.adapter, tmp_path / "again")
    assert (again / "model.safetensors").read_bytes() == (merged / "model.safetensors").read_bytes()
