"""Which rows of the merged model go where in the GGUF, read off a converted probe, and in which types.

The types are llama.cpp's own choice: its quantiser is run on a file that has every tensor by its name and
the length of its rows, but two rows only, which is all that the choice depends on besides the metadata.
Knows no numbers of a model.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.export import quantise
from engine.export.merge import changed_config
from engine.export.merge_plan import HEAD, MergedModel
from engine.export.onepass.ggml import row_bytes
from engine.export.onepass.layout import BF16, F16, F32, Layout, Metadata, Slot, aligned, header, read_layout
from engine.export.onepass.probe import OutsideOnePassError, numbered, read_origins

_EXACT = {("F32", F32), ("F16", F16), ("F16", F32), ("BF16", BF16), ("BF16", F32)}
"""Types of a base's tensor, and of the float GGUF's, between which no number is rounded."""
_FEW_ROWS = 2  # a matrix of one row would be a vector to llama.cpp, and left as it is


class Part(NamedTuple):
    """Rows of one matrix of the merged model in one tensor of the GGUF: `places[r]` is where row r goes.

    -1 where it does not go there.
    """

    slot: str
    places: np.ndarray


class FloatPlan(NamedTuple):
    """The float GGUF that need not be written: `slots` with their whole shapes and float types, in order.

    `vectors` are the bytes of those that are no matrices. `parts` by the merged model's name.
    """

    metadata: Metadata
    slots: dict[str, Slot]
    vectors: dict[str, bytes]
    parts: dict[str, list[Part]]


def read_plan(probe: Path, model: MergedModel) -> FloatPlan:
    """The plan of a converted probe. Raises OutsideOnePassError where it is not only rows that moved."""
    layout, names = read_layout(probe), numbered(model)
    slots: dict[str, Slot] = {}
    vectors: dict[str, bytes] = {}
    parts: dict[str, list[Part]] = {name: [] for name in names}
    with probe.open("rb") as file:
        for slot in layout.slots:
            if len(slot.shape) == 1:
                if slot.type != F32:
                    raise OutsideOnePassError(f"{slot.name} is a vector of type {slot.type}")
                file.seek(layout.data + slot.begin)
                slots[slot.name], vectors[slot.name] = slot, file.read(slot.width * 4)
            else:
                slots[slot.name] = _place(probe, layout.data, slot, model, names, parts)
    _check_whole(model, parts)
    return FloatPlan(layout.metadata, slots, vectors, parts)


def _place(
    probe: Path, data: int, slot: Slot, model: MergedModel, names: list[str], parts: dict[str, list[Part]]
) -> Slot:
    """Note where a tensor's rows come from; the tensor in its whole shape."""
    origins = read_origins(probe, data, slot)
    width = int(origins.width[0])
    for number in np.unique(origins.tensor):
        spec = model.tensors[names[number]].spec
        here = np.flatnonzero(origins.tensor == number)
        rows = origins.row[here]
        if (spec.dtype, slot.type) not in _EXACT or (origins.width[here] != width).any():
            raise OutsideOnePassError(f"{spec.name} ({spec.dtype}) goes into {slot.name}, type {slot.type}")
        places = np.full(spec.rows, -1)
        places[rows] = here
        if np.count_nonzero(places >= 0) != len(rows):
            raise OutsideOnePassError(f"{slot.name} has a row of {spec.name} twice")
        parts[spec.name].append(Part(slot.name, places))
    return slot._replace(shape=(width, slot.rows))


def _check_whole(model: MergedModel, parts: dict[str, list[Part]]) -> None:
    """Raise OutsideOnePassError where a row of the model is not in the file; a tied head may be left out."""
    for name, found in parts.items():
        if not found and name == HEAD and _is_tied(model):
            continue
        taken = np.zeros(model.tensors[name].spec.rows, bool)
        for part in found:
            taken |= part.places >= 0
        if not taken.all():
            raise OutsideOnePassError(f"{np.count_nonzero(~taken)} rows of {name} are not in the file")


def _is_tied(model: MergedModel) -> bool:
    config = changed_config(model.base.config, model.config_changes)
    return any(part.get("tie_word_embeddings") for part in (config, config.get("text_config") or {}))


def quantised_layout(plan: FloatPlan, kind: str, scratch: Path) -> Layout:
    """The layout of the whole file in type `kind`, by llama.cpp's own choice. Raises as `quantise` does."""
    few, chosen = scratch / f"few-{kind}-float.gguf", scratch / f"few-{kind}.gguf"
    _write_few_rows(plan, few)
    quantise.quantise(few, chosen, kind)
    found = read_layout(chosen)
    return laid_out(found.metadata, plan, {slot.name: slot.type for slot in found.slots})


def laid_out(metadata: Metadata, plan: FloatPlan, types: dict[str, int]) -> Layout:
    """All tensors of the plan in these types, one behind the other in the order of `types`."""
    slots, begin = [], 0
    for name, kind in types.items():
        slot = plan.slots[name]
        slots.append(slot._replace(type=kind, begin=begin))
        begin = aligned(begin + slot.rows * row_bytes(kind, slot.width))
    return Layout(metadata, slots, len(header(metadata, slots)))


def _write_few_rows(plan: FloatPlan, path: Path) -> None:
    """The float GGUF with zeros in at most _FEW_ROWS rows of each matrix."""
    slots, begin = [], 0
    for slot in plan.slots.values():
        shape = slot.shape if slot.name in plan.vectors else (slot.width, min(slot.rows, _FEW_ROWS))
        few = slot._replace(shape=shape, begin=begin)
        slots.append(few)
        begin = aligned(begin + few.rows * row_bytes(few.type, few.width))
    with path.open("wb") as file:
        file.write(header(plan.metadata, slots))
        data = file.tell()
        for slot in slots:
            file.seek(data + slot.begin)
            file.write(plan.vectors.get(slot.name, b""))
        file.truncate(data + begin)
