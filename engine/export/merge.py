"""An adapter into the unquantised base: W + (alpha / rank) B A, tensor by tensor, shard by shard.

Merging into 4-bit weights would bake their rounding into the model, so the base here is always the 16- or
32-bit original. The product is computed in float32, rounded to the base's type and then added, as PEFT does
with `safe_merge`. Holds one shard in memory at a time; knows nothing of GGUF.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from engine.models.adapters import WEIGHTS
from engine.models.directory import INDEX, ModelDirectory
from store import atomic
from store.errors import MissingError, TemperError, UsageError

_PREFIX = "base_model.model."
_COPIED = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
)
_COPIED_TOO = (
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "vocab.json",
    "merges.txt",
)
_HEADROOM = 1.05  # of the base's size on disk: shards, index and tokenizer files


class LoraDelta:
    """The low-rank updates of an adapter by the name of the base tensor they belong to."""

    def __init__(self, folder: Path) -> None:
        self.config = read_adapter_config(folder)
        self._pairs, self._lengths = read_pairs(folder)
        if self._lengths.keys() != (self._pairs.keys() if self.config.get("use_dora") else set()):
            raise UsageError(
                "The adapter's weights are not what its settings say",
                f"{folder}: DoRA has lengths for every matrix, here are {len(self._lengths)} for "
                f"{len(self._pairs)} matrices.",
                "Train it again.",
            )

    def targets(self) -> set[str]:
        """Names of base tensors that the adapter changes."""
        return set(self._pairs)

    def apply(self, name: str, weight: torch.Tensor) -> torch.Tensor:
        """`weight` [out, in] with its update, in its own type. Raises UsageError when shapes do not fit."""
        down, up = self._pairs[name]
        if up.shape[0] != weight.shape[0] or down.shape[1] != weight.shape[1]:
            raise UsageError(
                "The adapter was made for another base",
                f"{name} is {tuple(weight.shape)}, the adapter fits {(up.shape[0], down.shape[1])}.",
                "Export it with the base that it was trained on.",
            )
        delta = self._scale(name, down.shape[0]) * (up.float() @ down.float())
        if name in self._lengths:
            return self._lengthened(name, weight.float() + delta).to(weight.dtype)
        # rounded before it is added, as in PEFT's safe merge, so that both give the same bits
        return weight + delta.to(weight.dtype)

    def _lengthened(self, name: str, whole: torch.Tensor) -> torch.Tensor:
        """Rows of the length that DoRA learned. Liu et al., "DoRA", 2024, equation 5."""
        norms: torch.Tensor = torch.linalg.vector_norm(whole, dim=1)
        return whole * (self._lengths[name].float() / norms).unsqueeze(1)

    def _scale(self, name: str, rank: int) -> float:
        module = name.removesuffix(".weight")
        alpha = float(self.config["lora_alpha"])
        for pattern, value in (self.config.get("alpha_pattern") or {}).items():
            if module == pattern or module.endswith("." + pattern):
                alpha = float(value)
        return alpha / math.sqrt(rank) if self.config.get("use_rslora") else alpha / rank


def read_adapter_config(folder: Path) -> dict[str, Any]:
    """PEFT's adapter_config.json. Raises UsageError for kinds of adapter that are not merged here."""
    config: dict[str, Any] = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    unsupported = [key for key in ("fan_in_fan_out", "modules_to_save", "lora_bias") if config.get(key)]
    if config.get("peft_type") != "LORA" or unsupported:
        what = ", ".join(unsupported) or str(config.get("peft_type"))
        raise UsageError(
            "This adapter cannot be merged", f"It uses {what}.", "Train it as plain LoRA or QLoRA."
        )
    return config


def read_pairs(
    folder: Path,
) -> tuple[dict[str, tuple[torch.Tensor, torch.Tensor]], dict[str, torch.Tensor]]:
    """(A [rank, in], B [out, rank]) by base tensor name; for DoRA the lengths [out] of the rows too.

    Raises UsageError for keys it does not know.
    """
    if not (folder / WEIGHTS).is_file():
        raise MissingError(
            "The adapter has no safetensors weights",
            f"{folder} lacks {WEIGHTS}.",
            "Train it again; pickled weights are refused.",
        )
    downs: dict[str, torch.Tensor] = {}
    ups: dict[str, torch.Tensor] = {}
    lengths: dict[str, torch.Tensor] = {}
    with safe_open(folder / WEIGHTS, framework="pt") as file:
        for key in file.keys():  # noqa: SIM118  # safe_open is no mapping
            module, _, part = key.removeprefix(_PREFIX).partition(".lora_")
            kind = {"A.weight": downs, "B.weight": ups, "magnitude_vector": lengths}.get(part)
            if kind is None:
                raise UsageError(
                    "The adapter holds something unknown",
                    f"{key} in {WEIGHTS}.",
                    "Train it as plain LoRA or QLoRA.",
                )
            kind[f"{module}.weight"] = file.get_tensor(key)
    return {name: (downs[name], ups[name]) for name in downs}, lengths


def merge(
    base: ModelDirectory, adapter: Path, out: Path, advance: Callable[[int], None] = lambda done: None
) -> Path:
    """Write base + adapter as a Hugging Face directory `out`, whole or not at all. `advance` counts shards.

    Raises UsageError when the adapter does not fit the base, TemperError when the disk is too small.
    """
    delta = LoraDelta(adapter)
    check_disk(base, out)
    strangers = delta.targets() - base.shapes.keys()
    if strangers:
        raise UsageError(
            "The adapter was made for another base",
            f"{len(strangers)} of its layers are not in {base.path}, for example {min(strangers)}.",
            "Export it with the base that it was trained on.",
        )
    with atomic.new_directory(out) as folder:
        for done, shard in enumerate(base.shards, start=1):
            save_file(merged_shard(shard, delta), folder / shard.name, metadata={"format": "pt"})
            advance(done)
        copy_small_files(base, folder)
        if (base.path / INDEX).is_file():
            shutil.copyfile(base.path / INDEX, folder / INDEX)
    return out


def copy_small_files(base: ModelDirectory, folder: Path) -> None:
    """Config, tokenizer and chat template of `base`, as they are."""
    for name in (*_COPIED, *_COPIED_TOO):
        if (base.path / name).is_file():
            shutil.copyfile(base.path / name, folder / name)


def merged_shard(shard: Path, delta: LoraDelta) -> dict[str, torch.Tensor]:
    """All tensors of one shard, updated where the adapter says so."""
    tensors = {}
    with safe_open(shard, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118  # safe_open is no mapping
            weight = file.get_tensor(name)
            tensors[name] = delta.apply(name, weight) if name in delta.targets() else weight
    return tensors


def check_disk(base: ModelDirectory, out: Path) -> None:
    """Raise TemperError when the merged model would not fit on the disk."""
    need = int(sum(shard.stat().st_size for shard in base.shards) * _HEADROOM)
    parent = next(folder for folder in out.parents if folder.exists())
    free = shutil.disk_usage(parent).free
    if free < need:
        raise TemperError(
            "The disk is too small for the merged model",
            f"{need / 1e9:.1f} GB are needed under {parent}, {free / 1e9:.1f} GB are free.",
            "Free some space or export to another disk with --out.",
        )
