"""A probe: the model with each matrix's rows replaced by where they come from, small enough to convert.

Row r of the matrix number t becomes eight numbers that say so, and how long the row is in truth. llama.cpp's
converter takes it for a model and names, permutes, splits and joins rows as it would those of the model, so
that its output tells for every row of the GGUF which row of the merged model it is. Vectors are in it as they
are: what the converter does to their numbers is done. Knows neither merging nor quantising.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from engine.export.merge import write_small_files
from engine.export.merge_plan import MergedModel
from engine.export.onepass.layout import BF16, F16, F32, Slot
from engine.export.tensor_file import FLOATS, TensorSpec, TensorWriter
from engine.models.directory import INDEX, SINGLE

COLUMNS = 8
"""Mark, number of the tensor (2 digits), row (3), length of the row (2); digits of base 256, highest first.

All are at most 255, which bfloat16 and float16 hold exactly."""
_MARK, _DIGIT = 199, 256
_TENSORS, _ROWS, _WIDTHS = _DIGIT**2, _DIGIT**3, _DIGIT**2
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth")
_KINDS = ("F32", "F16", "BF16")


class OutsideOnePassError(Exception):
    """The one pass does not know something about the model: the three steps are for it."""


class Origins(NamedTuple):
    """Of each row of a tensor in a converted probe: the number of its tensor, its row there, its length."""

    tensor: np.ndarray
    row: np.ndarray
    width: np.ndarray


def numbered(model: MergedModel) -> list[str]:
    """The matrices, by their number in the probe."""
    return [name for names in model.shards.values() for name in names if is_matrix(model, name)]


def is_matrix(model: MergedModel, name: str) -> bool:
    """Whether a tensor is probed; the others are vectors. Raises OutsideOnePassError for other kinds."""
    spec = model.tensors[name].spec
    if len(spec.shape) not in (1, 2) or spec.dtype not in _KINDS:
        raise OutsideOnePassError(f"{name} is {spec.dtype} {list(spec.shape)}")
    if len(spec.shape) == 2 and (spec.rows >= _ROWS or spec.width >= _WIDTHS):
        raise OutsideOnePassError(f"{name} has {spec.rows} rows of {spec.width}")
    return len(spec.shape) == 2


def write_probe(model: MergedModel, folder: Path) -> None:
    """Write the probe as a model directory; `folder` is new, and its name may come into the metadata."""
    numbers = {name: number for number, name in enumerate(numbered(model))}
    if len(numbers) >= _TENSORS:
        raise OutsideOnePassError(f"{len(numbers)} matrices")
    folder.mkdir(parents=True)
    if model.adapter:
        write_small_files(model, folder)
        (folder / INDEX).unlink(missing_ok=True)
    else:
        _link_small_files(model, folder)
    specs = [spec for shard in model.shards for spec in model.specs(shard)]
    specs = [spec.reshaped((spec.rows, COLUMNS)) if spec.name in numbers else spec for spec in specs]
    metadata = {"format": "pt"}
    with TensorWriter(folder / SINGLE, specs, metadata) as writer:
        for spec in specs:
            for block in _blocks(model, spec, numbers.get(spec.name)):
                writer.write(block)


def _link_small_files(model: MergedModel, folder: Path) -> None:
    """All of the base but its weights: the converter reads some of its other files, a model card too."""
    weights = {INDEX, *(shard.name for shard in model.base.shards)}
    for file in model.base.path.iterdir():
        if file.name not in weights and file.suffix not in _WEIGHTS:
            (folder / file.name).symlink_to(file.resolve())


def _blocks(model: MergedModel, spec: TensorSpec, number: int | None) -> Iterator[torch.Tensor]:
    if number is None:
        yield from model.blocks(spec.name)
        return
    width = model.tensors[spec.name].spec.width
    rows = np.arange(spec.rows)
    columns = [np.full(spec.rows, _MARK), *_digits(np.full(spec.rows, number), 2)]
    columns += [*_digits(rows, 3), *_digits(np.full(spec.rows, width), 2)]
    yield torch.from_numpy(np.stack(columns, axis=1)).to(FLOATS[spec.dtype])


def _digits(numbers: np.ndarray, count: int) -> list[np.ndarray]:
    return [numbers // _DIGIT**place % _DIGIT for place in reversed(range(count))]


def read_origins(path: Path, data: int, slot: Slot) -> Origins:
    """Where the rows of a matrix in the converted probe come from. `data`: where its tensors' bytes begin.

    Raises OutsideOnePassError when the converter did more than move rows.
    """
    if len(slot.shape) != 2 or slot.width != COLUMNS or slot.type not in (F32, F16, BF16):
        raise OutsideOnePassError(f"{slot.name} is of type {slot.type} and shape {list(slot.shape)}")
    kind = {F32: "<f4", F16: "<f2", BF16: "<u2"}[slot.type]
    found = np.fromfile(path, kind, slot.rows * COLUMNS, offset=data + slot.begin).reshape(-1, COLUMNS)
    if slot.type == BF16:
        found = (found.astype("<u4") << 16).view("<f4")
    columns = found.astype(np.int64).T
    digits = found.astype(np.float32)
    if not ((digits >= 0) & (digits < _DIGIT) & (digits == np.floor(digits))).all():
        raise OutsideOnePassError(f"the numbers of {slot.name} are others")
    if (columns[0] != _MARK).any():
        raise OutsideOnePassError(f"{slot.name} has rows of another kind")
    return Origins(_joined(columns[1:3]), _joined(columns[3:6]), _joined(columns[6:8]))


def _joined(digits: np.ndarray) -> np.ndarray:
    total = np.zeros(digits.shape[1], np.int64)
    for digit in digits:
        total = total * _DIGIT + digit
    return total
