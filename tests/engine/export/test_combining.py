"""Several adapters as one: PEFT's numbers, the same for the same seed, refused where a sum means nothing."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from peft.tuners.lora import LoraModel
from safetensors.torch import load_file

from engine.export.combining import Share, combine, tensor_seed
from engine.export.merge import merge
from engine.models.adapters import WEIGHTS
from engine.models.directory import ModelDirectory
from store.errors import UsageError
from store.records.exports import Way
from tests.engine.export.untrained import (
    LAYERS,
    adapter_on,
    llama,
    loaded,
    peft_merged,
    weights_of,
    with_adapter,
)

WEIGHTS_OF_TWO = (0.7, -0.4)
DENSITY, SEED = 0.6, 11


def peft_combined(
    base: Path, shares: list[Share], way: Way, monkeypatch: pytest.MonkeyPatch
) -> dict[str, torch.Tensor]:
    """Weights after PEFT's add_weighted_adapter and safe merge, with our seed before each tensor's chance."""
    combined: Any = LoraModel._generalized_task_arithmetic_weighted_adapter

    def seeded(self: Any, way: str, adapters: Any, weights: Any, target: Any, *rest: Any) -> Any:
        name = next(name for name, module in self.model.named_modules() if module is target)
        torch.manual_seed(tensor_seed(SEED, f"{name}.weight"))
        return combined(self, way, adapters, weights, target, *rest)

    monkeypatch.setattr(LoraModel, "_generalized_task_arithmetic_weighted_adapter", seeded)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = with_adapter(base, shares[0].adapter)
        if way == "cat":  # PEFT rounds its matrices to the base's type, and no other way's
            model.to(torch.float32)
        names = ["default", *(f"other{n}" for n in range(len(shares) - 1))]
        for name, share in zip(names[1:], shares[1:], strict=True):
            model.load_adapter(share.adapter, name)
        weights = [share.weight for share in shares]
        model.base_model.add_weighted_adapter(names, weights, "mix", way, density=DENSITY)
        if way == "cat":
            model.save_pretrained(shares[0].adapter.parent / "saved", selected_adapters=["mix"])
            return peft_merged(base, shares[0].adapter.parent / "saved" / "mix")
        model.set_adapter("mix")
        merged: dict[str, torch.Tensor] = model.merge_and_unload(safe_merge=True).state_dict()
    return merged


def two_adapters(base: Path, folder: Path, *settings: dict[str, Any]) -> list[Share]:
    first, second = settings or ({}, {})
    return [
        Share(adapter_on(base, folder / "a", seed=1, **first), WEIGHTS_OF_TWO[0]),
        Share(adapter_on(base, folder / "b", seed=2, **second), WEIGHTS_OF_TWO[1]),
    ]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("way", get_args(Way))
def test_combined_and_merged_are_the_bits_of_pefts_weighted_adapter(
    way: Way, dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = llama(tmp_path / "base", dtype)
    everything = [*LAYERS, "embed_tokens"]
    shares = two_adapters(
        base, tmp_path, {"lora_alpha": 3, "target_modules": everything}, {"target_modules": everything}
    )
    mixed = combine(shares, way, tmp_path / "mixed", DENSITY, SEED)
    found = weights_of(merge(ModelDirectory(base), mixed, tmp_path / "merged"))
    wanted = peft_combined(base, shares, way, monkeypatch)
    for name, weight in found.items():
        assert torch.equal(weight, wanted[name]), name
    changed = [name for name, weight in weights_of(base).items() if not torch.equal(weight, found[name])]
    assert len(changed) == 2 * len(LAYERS) + 1


def test_cat_is_the_weighted_sum_of_the_updates_whatever_their_ranks(tmp_path: Path) -> None:
    base = llama(tmp_path / "base")
    shares = two_adapters(
        base, tmp_path, {"r": 2, "target_modules": ["q_proj", "v_proj"]}, {"r": 6, "use_rslora": True}
    )
    mixed = combine(shares, "cat", tmp_path / "mixed")
    apart = [
        weights_of(merge(ModelDirectory(base), one.adapter, tmp_path / one.adapter.name / "m"))
        for one in shares
    ]
    before = weights_of(base)
    for name, weight in weights_of(merge(ModelDirectory(base), mixed, tmp_path / "merged")).items():
        updates = [one[name] - before[name] for one in apart]
        wanted = before[name] + sum(one.weight * update for one, update in zip(shares, updates, strict=True))
        torch.testing.assert_close(weight, wanted, rtol=1e-5, atol=1e-6, msg=name)


def test_peft_reads_the_combined_adapter_as_it_was_written(tmp_path: Path) -> None:
    base = llama(tmp_path / "base")
    shares = two_adapters(
        base, tmp_path, {"r": 2, "target_modules": ["q_proj"]}, {"modules_to_save": ["lm_head"]}
    )
    mixed = combine(shares, "cat", tmp_path / "mixed")
    theirs = with_adapter(base, mixed).merge_and_unload(safe_merge=True).state_dict()
    for name, weight in weights_of(merge(ModelDirectory(base), mixed, tmp_path / "merged")).items():
        assert torch.equal(weight, theirs[name]), name
    assert not torch.equal(theirs["lm_head.weight"], loaded(base).state_dict()["lm_head.weight"])


def test_rslora_counts_once_where_peft_scales_by_the_root_of_the_rank_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = llama(tmp_path / "base")
    shares = two_adapters(base, tmp_path, {"use_rslora": True}, {"use_rslora": True})
    found = weights_of(
        merge(ModelDirectory(base), combine(shares, "linear", tmp_path / "mixed"), tmp_path / "m")
    )
    theirs = peft_combined(base, shares, "linear", monkeypatch)
    for name, before in weights_of(base).items():
        update, root = found[name] - before, 4**0.5
        torch.testing.assert_close(theirs[name] - before, root * update, rtol=1e-3, atol=1e-5, msg=name)


@pytest.mark.parametrize("way", ["cat", "linear", "ties", "dare_linear", "dare_ties"])
def test_a_mix_repeated_gives_the_same_bytes(way: Way, tmp_path: Path) -> None:
    shares = two_adapters(llama(tmp_path / "base"), tmp_path)
    density = DENSITY if way in ("ties", "dare_linear", "dare_ties") else 1.0
    one, two = (
        (combine(shares, way, tmp_path / name, density, SEED) / WEIGHTS).read_bytes() for name in ("x", "y")
    )
    assert one == two


@pytest.mark.parametrize("way", ["dare_linear", "dare_ties"])
def test_the_seed_alone_decides_what_dare_drops(way: Way, tmp_path: Path) -> None:
    base = llama(tmp_path / "base")
    shares = two_adapters(base, tmp_path)
    state = torch.random.get_rng_state()
    first, again, other = (
        (combine(shares, way, tmp_path / f"mixed{n}", DENSITY, seed) / WEIGHTS).read_bytes()
        for n, seed in enumerate((SEED, SEED, SEED + 1))
    )
    assert first == again
    assert first != other
    assert torch.equal(torch.random.get_rng_state(), state)


def test_dare_drops_the_share_that_the_density_leaves(tmp_path: Path) -> None:
    base = llama(tmp_path / "base")
    share = Share(adapter_on(base, tmp_path / "a"), 1.0)
    mixed = load_file(combine([share], "dare_linear", tmp_path / "mixed", density=0.25) / WEIGHTS)
    kept = sum(int((one != 0).sum()) for one in mixed.values()) / sum(one.numel() for one in mixed.values())
    assert 0.23 < kept < 0.27


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], Way, str]] = {
    "dora": ({"use_dora": True}, {}, "cat", "One is a DoRA"),
    "other ranks": ({"r": 2}, {}, "ties", "ranks 2, 4"),
    "biases": ({"lora_bias": True, "target_modules": ["q_proj"]}, {}, "cat", "has biases"),
    "twice the head": (
        {"modules_to_save": ["lm_head"]},
        {"modules_to_save": ["lm_head"]},
        "cat",
        "its own lm_head.weight",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_adapters_whose_sum_means_nothing_are_refused(kind: str, tmp_path: Path) -> None:
    first, second, way, reason = REFUSED[kind]
    shares = two_adapters(llama(tmp_path / "base"), tmp_path, first, second)
    with pytest.raises(UsageError, match=reason):
        combine(shares, way, tmp_path / "mixed")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "base"]


@pytest.mark.parametrize("weight", [0.0, float("nan"), float("inf")])
def test_a_weight_that_is_none_is_refused(weight: float, tmp_path: Path) -> None:
    shares = two_adapters(llama(tmp_path / "base"), tmp_path)
    with pytest.raises(UsageError, match="A weight is 0 or no number"):
        combine([shares[0], shares[1]._replace(weight=weight)], "cat", tmp_path / "mixed")


@pytest.mark.parametrize("density", [0.0, 1.5, float("nan")])
def test_a_density_that_is_no_share_is_refused(density: float, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such density"):
        combine([], "ties", tmp_path / "mixed", density)
