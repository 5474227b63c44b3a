"""What an adapter's folder holds, by the tensor of the base that each part belongs to.

Reads PEFT's settings and the header of its weights; numbers only when asked for them. Knows nothing of the
base: whether they fit is seen where they meet (engine.export.merge_plan).
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import NamedTuple

from engine.export.adapter_settings import read_settings
from engine.export.closing import Closing
from engine.export.deltas import Factors
from engine.export.tensor_file import FLOATS, TensorReader, TensorSpec
from engine.models.adapters import WEIGHTS
from store.errors import MissingError, UsageError

PREFIX = "base_model.model."
_PARTS = {
    "A.weight": "down",
    "B.weight": "up",
    "embedding_A": "down",
    "embedding_B": "up",
    "magnitude_vector": "lengths",
    "magnitude_vector.weight": "lengths",
    "B.bias": "bias",
}


class LowRank(NamedTuple):
    """Keys of one update in the file. `down` is [rank, in], `up` [out, rank], DoRA's `lengths` [out].

    `transposed`: the base holds the matrix as [in, out], as embeddings and GPT-2's Conv1D are.
    """

    down: TensorSpec
    up: TensorSpec
    scale: float
    lengths: TensorSpec | None
    transposed: bool

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the base's tensor that it fits."""
        out, into = self.up.shape[0], self.down.shape[1]
        return (into, out) if self.transposed else (out, into)


class AdapterFile(Closing):
    """One adapter: `low_ranks` and `biases` are added to the base's tensors, `replaced` stand in their place.

    All by the base tensor's name. Raises UsageError for a kind of adapter or a tensor that it does not know,
    MissingError when there are no safetensors weights.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self.config = read_settings(folder)
        if not (folder / WEIGHTS).is_file():
            raise MissingError(
                "The adapter has no safetensors weights",
                f"{folder} lacks {WEIGHTS}.",
                "Train it again; pickled weights are refused.",
            )
        self.reader = TensorReader(folder / WEIGHTS)
        self.replaced: dict[str, TensorSpec] = {}
        self.low_ranks: dict[str, LowRank] = {}
        self.biases: dict[str, tuple[TensorSpec, float]] = {}
        try:
            self._read_parts()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close its file."""
        self.reader.close()

    @property
    def ties(self) -> bool:
        """Whether it was trained so that the head stays the embedding."""
        return bool(self.config.get("ensure_weight_tying"))

    def names(self) -> set[str]:
        """Every base tensor that it changes."""
        return self.low_ranks.keys() | self.biases.keys() | self.replaced.keys()

    def factors(self, name: str) -> Factors:
        """The update of a base tensor, in float32."""
        one = self.low_ranks[name]
        lengths = self.reader.whole(one.lengths.name).float() if one.lengths else None
        down, up = (self.reader.whole(spec.name).float() for spec in (one.down, one.up))
        return Factors(down, up, one.scale, lengths, one.transposed)

    def _read_parts(self) -> None:
        parts = self._sort()
        self.low_ranks = {name: self._low_rank(name, parts) for name in parts["down"] | parts["up"]}
        self.biases = {
            f"{name.removesuffix('.weight')}.bias": (spec, self._low_rank(name, parts).scale)
            for name, spec in parts["bias"].items()
        }
        if set(parts["lengths"]) != (set(self.low_ranks) if self.config.get("use_dora") else set()):
            raise self._not_as_said(
                f"DoRA has lengths for every matrix, here are {len(parts['lengths'])} for "
                f"{len(self.low_ranks)} matrices"
            )

    def _sort(self) -> dict[str, dict[str, TensorSpec]]:
        parts: dict[str, dict[str, TensorSpec]] = {kind: {} for kind in ("down", "up", "lengths", "bias")}
        for key, spec in self.reader.specs.items():
            module, lora, part = key.removeprefix(PREFIX).partition(".lora_")
            if ".original_module." in key:
                continue  # PEFT keeps the untrained one too when the vocabulary was resized
            if not lora and "trainable_tokens" not in key and spec.dtype in FLOATS:
                self.replaced[module.replace(".base_layer.", ".").replace(".modules_to_save.", ".")] = spec
            elif lora and part in _PARTS and spec.dtype in FLOATS:
                parts[_PARTS[part]][f"{module}.weight"] = spec
            else:
                raise UsageError(
                    "The adapter holds something unknown",
                    f"{key} ({spec.dtype}) in {WEIGHTS}.",
                    "Train it as plain LoRA or QLoRA.",
                )
        return parts

    def _low_rank(self, name: str, parts: dict[str, dict[str, TensorSpec]]) -> LowRank:
        down, up = parts["down"].get(name), parts["up"].get(name)
        if down is None or up is None:
            raise self._not_as_said(f"{name} has one of its two matrices only")
        if len(down.shape) != 2 or len(up.shape) != 2 or down.shape[0] != up.shape[1]:
            raise self._not_as_said(f"{name} has matrices {list(up.shape)} and {list(down.shape)}")
        embedding = down.name.endswith(".lora_embedding_A")
        transposed = embedding or bool(self.config.get("fan_in_fan_out"))
        return LowRank(down, up, self._scale(name, down.shape[0]), parts["lengths"].get(name), transposed)

    def _scale(self, name: str, rank: int) -> float:
        module = name.removesuffix(".weight")
        alpha = float(self.config["lora_alpha"])
        # the first pattern that fits counts, as in peft.utils.other.get_pattern_key
        for pattern, value in (self.config.get("alpha_pattern") or {}).items():
            if re.match(rf"(.*\.)?({pattern})$", module):
                alpha = float(value)
                break
        return alpha / math.sqrt(rank) if self.config.get("use_rslora") else alpha / rank

    def _not_as_said(self, reason: str) -> UsageError:
        title = "The adapter's weights are not what its settings say"
        return UsageError(title, f"{self.path}: {reason}.", "Train it again.")
