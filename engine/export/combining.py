"""Several adapters of one base become one, tensor by tensor, with PEFT's merge utilities.

The result is an adapter in PEFT's format, so that everything made for one adapter takes it. The ways have
PEFT's names and give its numbers (`add_weighted_adapter`): `cat` is the weighted sum of the updates, exact;
the others work on A and B apart, which keeps the rank but adds products of one's A with another's B.
Knows no workspace: folders in, a folder out.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import torch

from engine.export.adapter_file import AdapterFile
from engine.export.adapter_settings import SETTINGS
from engine.export.deltas import Factors
from engine.export.tensor_file import TensorSpec, TensorWriter, row_blocks, same_numbers
from engine.models.adapters import WEIGHTS
from store import atomic
from store.errors import UsageError
from store.records.exports import DENSITY, Way


class Share(NamedTuple):
    """An adapter's folder and the weight that its update gets."""

    adapter: Path
    weight: float


def combine(shares: Sequence[Share], way: Way, out: Path, density: float = DENSITY, seed: int = 0) -> Path:
    """Write the adapter that `shares` come to as the new folder `out`, whole or not at all.

    `density`: the share of numbers that TIES keeps by size and DARE by chance. `seed` is DARE's: with the
    tensor's name it decides what is dropped, so no order of tensors matters. Yadav et al., "TIES-Merging",
    2023; Yu et al., "Language models are super Mario", 2024. Raises UsageError where it is not possible.
    """
    if not 0 < density <= 1:
        raise UsageError(
            "No such density", f"{density} is not between 0 and 1.", "It is the share of numbers that stay."
        )
    with ExitStack() as opened:
        files = [opened.enter_context(AdapterFile(share.adapter)) for share in shares]
        check_combinable(files, shares)
        names = sorted({name for file in files for name in file.low_ranks})
        pairs = [_planned(name, files, way) for name in names]
        others = {name: (file, spec) for file in files for name, spec in file.replaced.items()}
        specs = [spec for pair in pairs for spec in pair] + [spec for _, spec in others.values()]
        ranks = {name: down.shape[0] for name, (down, _) in zip(names, pairs, strict=True)}
        with atomic.new_directory(out) as folder:
            with TensorWriter(folder / WEIGHTS, specs, {"format": "pt"}) as writer:
                for name in names:
                    for tensor in _combined(name, files, shares, way, density, seed):
                        writer.write(tensor)
                for file, spec in others.values():
                    for start, stop in row_blocks(spec.rows, spec.width):
                        writer.write(file.reader.rows(spec.name, start, stop))
            settings = json.dumps(combined_settings(files, ranks), indent=2)
            (folder / SETTINGS).write_text(settings + "\n", encoding="utf-8")
    return out


def check_combinable(files: Sequence[AdapterFile], shares: Sequence[Share]) -> None:
    """Raise UsageError where no sum of these adapters has a meaning."""
    reason = ""
    if not all(math.isfinite(share.weight) and share.weight for share in shares):
        reason = "A weight is 0 or no number"
    elif any(file.config.get("use_dora") for file in files):
        reason = "One is a DoRA: the lengths that it learned are those of its own update on the base"
    elif any(file.biases for file in files):
        reason = "One has biases in its matrices (lora_bias)"
    elif len({(bool(file.config.get("fan_in_fan_out")), file.ties) for file in files}) > 1:
        reason = "They do not agree on fan_in_fan_out or ensure_weight_tying"
    else:
        reason = differing_tensor(files)
    if reason:
        remedy = "Export them apart, or train one on all the data."
        raise UsageError("These adapters cannot be combined", f"{reason}.", remedy)


def differing_tensor(files: Sequence[AdapterFile]) -> str:
    """Why tensors that adapters bring as their own, whole, do not go together; empty where they do.

    The same one in several is fine: PEFT saves the base's embedding with every adapter on it.
    """
    first: dict[str, AdapterFile] = {}
    for file in files:
        for name, spec in file.replaced.items():
            known = first.setdefault(name, file)
            if not same_numbers(known.reader, known.replaced[name].name, file.reader, spec.name):
                return f"More than one brings its own {name} (modules_to_save)"
    return ""


def combined_settings(files: Sequence[AdapterFile], ranks: dict[str, int]) -> dict[str, Any]:
    """adapter_config.json of the result: plain LoRA of scale 1 on every tensor in `ranks` (by its name)."""
    modules = {name.removesuffix(".weight"): rank for name, rank in ranks.items()}
    rank = max(modules.values(), default=1)
    other = {module: one for module, one in modules.items() if one != rank}
    saved = sorted({module for file in files for module in file.config.get("modules_to_save") or []})
    return files[0].config | {
        "r": rank,
        "lora_alpha": rank,
        "rank_pattern": other,
        "alpha_pattern": other,
        "use_rslora": False,
        "target_modules": sorted(modules),
        "layers_to_transform": None,
        "layers_pattern": None,
        "exclude_modules": None,
        "modules_to_save": saved or None,
    }


def tensor_seed(seed: int, name: str) -> int:
    """The seed of one tensor's dropping."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:7], "little")


def _planned(name: str, files: Sequence[AdapterFile], way: Way) -> tuple[TensorSpec, TensorSpec]:
    """A and B of the result."""
    found = [file.low_ranks[name] for file in files if name in file.low_ranks]
    ranks = [one.down.shape[0] for one in found]
    shapes = [one.shape for one in found]
    if len(set(shapes)) > 1 or (way != "cat" and len(set(ranks)) > 1):
        raise UsageError(
            "These adapters cannot be combined that way",
            f"{name}: ranks {', '.join(map(str, ranks))}, shapes {', '.join(map(str, shapes))}.",
            "Ranks may differ with: --combine cat",
        )
    rank = sum(ranks) if way == "cat" else ranks[0]
    down = TensorSpec(found[0].down.name, "F32", (), 0).reshaped((rank, found[0].down.shape[1]))
    return down, TensorSpec(found[0].up.name, "F32", (), 0).reshaped((found[0].up.shape[0], rank))


def _combined(
    name: str, files: Sequence[AdapterFile], shares: Sequence[Share], way: Way, density: float, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """A [rank, in] and B [out, rank] whose product is the combined update, in float32."""
    pairs = [
        (file.factors(name), share.weight)
        for file, share in zip(files, shares, strict=True)
        if name in file.low_ranks
    ]
    if way == "cat":
        downs = [one.down * weight * one.scale for one, weight in pairs]
        return torch.cat(downs), torch.cat([one.up for one, _ in pairs], dim=1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(tensor_seed(seed, name))
        return _apart(pairs, way, density)


def _apart(
    pairs: Sequence[tuple[Factors, float]], way: Way, density: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """A and B, each combined on its own: both get the root of weight and scale, A its sign, as in PEFT."""
    from peft.utils import merge_utils  # brings transformers: only here

    strengths = [weight * one.scale for one, weight in pairs]
    roots = torch.tensor([math.sqrt(abs(one)) for one in strengths])
    signed = torch.tensor([math.copysign(math.sqrt(abs(one)), one) for one in strengths])
    results = []
    downs, ups = [one.down for one, _ in pairs], [one.up for one, _ in pairs]
    for tensors, weights in ((downs, signed), (ups, roots)):
        if way == "linear":
            results.append(merge_utils.task_arithmetic(tensors, weights))
        elif way == "ties":
            results.append(merge_utils.ties(tensors, weights, density))
        elif way == "dare_linear":
            results.append(merge_utils.dare_linear(tensors, weights, density))
        else:
            results.append(merge_utils.dare_ties(tensors, weights, density))
    return results[0], results[1]
