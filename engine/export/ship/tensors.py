"""A file's tensors in float32, and whether their rows are those of the trained model: in their order, in
another, or not at all.

Reads the GGUF in a process of its own, with llama.cpp's gguf-py. Knows nothing of answers.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt
import torch

from store import paths

ALIKE = 0.9
"""Cosine from which on two rows are the same: a coarse type keeps over .95 of a row, another row has none."""

Rows = Literal["same", "permuted", "other"]


class Tensors(msgspec.Struct):
    """`names` of all tensors in a file, and those that were read, as [rows, columns]."""

    names: list[str]
    read: dict[str, npt.NDArray[np.float32]]


def read_tensors(file: Path, wanted: dict[str, int]) -> Tensors | None:
    """The `wanted` tensors, at most so many rows of each. None where they cannot be read."""
    script = Path(__file__).with_name("tensors_process.py")
    with tempfile.TemporaryDirectory(prefix="temper-") as scratch:
        out = Path(scratch) / "tensors.npz"
        command = [sys.executable, "-P", str(script), str(paths.converter_dir()), str(file), str(out)]
        ended = subprocess.run([*command, json.dumps(wanted)], capture_output=True, check=False)
        if ended.returncode != 0:
            sys.stderr.buffer.write(ended.stderr)
            return None
        with np.load(out, allow_pickle=False) as found:
            read = {name: found[name] for name in found.files if name != "names"}
            return Tensors(found["names"].tolist(), read)


def compare_rows(got: npt.NDArray[np.float32], wanted: torch.Tensor) -> Rows:
    """Whether the rows of `got` are those of `wanted`."""
    if got.shape != tuple(wanted.shape):
        return "other"
    left = torch.nn.functional.normalize(torch.from_numpy(got.copy()), dim=-1)
    right = torch.nn.functional.normalize(wanted, dim=-1)
    nothing = (left == 0).all(dim=-1) & (right == 0).all(dim=-1)  # a padding token's row
    if bool((((left * right).sum(dim=-1) > ALIKE) | nothing).all()):
        return "same"
    best = (left @ right.T).max(dim=-1)
    found = bool((best.values > ALIKE).all()) and len(set(best.indices.tolist())) == len(got)
    return "permuted" if found else "other"


def interleaved(rows: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows of queries or keys as llama.cpp's rotary embedding NORM wants them: each head's halves by turns.

    Transformers rotates the first half of a head against the second (Su et al., RoFormer, 2021, in the layout
    of GPT-NeoX), llama.cpp's NORM neighbours.
    """
    size = rows.shape[0] // heads // 2
    return rows.reshape(heads, 2, size, -1).transpose(1, 2).reshape(rows.shape)
