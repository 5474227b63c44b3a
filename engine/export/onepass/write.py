"""The whole GGUF, written in one pass over the merged model: each block is quantised and put in place.

Where everything goes was planned (engine.export.onepass.plan); knows neither names nor architectures.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch

from engine.export.merge import one_thread
from engine.export.merge_plan import MergedModel
from engine.export.onepass.blocks import work_through
from engine.export.onepass.ggml import encoded, row_bytes
from engine.export.onepass.layout import Layout, Slot, aligned, header
from engine.export.onepass.plan import FloatPlan, Part
from store import atomic
from store.errors import TemperError


def write_file(
    model: MergedModel,
    plan: FloatPlan,
    layout: Layout,
    out: Path,
    wrote: Callable[[int], None] = lambda written: None,
    threads: int | None = None,
) -> Path:
    """Write `out` as `layout` says; it appears whole or not at all.

    `wrote` hears the bytes written so far; what it raises stops the writing. Raises TemperError when a number
    is none in its type or the disk is full, and what MergedModel.blocks raises. `threads`: every core's when
    None.
    """
    partial = atomic.temporary_name(out).with_suffix(".gguf")
    try:
        with partial.open("wb", buffering=0) as file, one_thread():
            writing = _Writing(file, plan, layout)
            names = [name for name, parts in plan.parts.items() if parts]
            # the largest first: begun last, it would keep one thread when the others are done
            names.sort(key=lambda name: -math.prod(model.tensors[name].spec.shape))
            work_through(
                model, names, writing.take, threads or os.cpu_count() or 1, lambda: wrote(writing.written)
            )
            os.fsync(file.fileno())
        os.replace(partial, out)
    except OSError as error:
        raise atomic.disk_error(error, out) from error
    finally:
        partial.unlink(missing_ok=True)
    atomic.sync_directory(out.parent)
    return out


class _Writing:
    """An open file that blocks are put into, by any thread. `written`: bytes of it so far."""

    def __init__(self, file: BinaryIO, plan: FloatPlan, layout: Layout) -> None:
        self._descriptor = file.fileno()
        self._slots = {slot.name: slot for slot in layout.slots}
        self._parts, self._data = plan.parts, layout.data
        self.written = 0
        self._put(header(layout.metadata, layout.slots), 0)
        for name, numbers in plan.vectors.items():
            self._put(numbers, self._data + self._slots[name].begin)
        last = layout.slots[-1]
        os.ftruncate(self._descriptor, self._data + aligned(last.begin + _bytes(last)))

    def take(self, name: str, start: int, rows: torch.Tensor) -> None:
        """Put a block of a tensor of the merged model wherever it goes."""
        for part in self._parts[name]:
            try:
                self._take_part(self._slots[part.slot], part, start, rows)
            except ValueError as error:
                raise TemperError(
                    "A weight cannot be quantised",
                    f"{name}: {error}.",
                    "The base or the adapter is broken: get it again, or train it again.",
                ) from error

    def _take_part(self, slot: Slot, part: Part, start: int, rows: torch.Tensor) -> None:
        places = part.places[start : start + len(rows)]
        order = np.argsort(places, kind="stable")
        order = order[places[order] >= 0]
        if len(order) != len(rows) or (order[1:] < order[:-1]).any():
            rows = rows[torch.from_numpy(order)]
        if not len(order):
            return
        data, places = encoded(rows, slot.type), places[order]
        ends = [*(np.flatnonzero(np.diff(places) != 1) + 1), len(places)]
        for begin, end in zip([0, *ends], ends, strict=False):
            where = self._data + slot.begin + int(places[begin]) * data.shape[1]
            self._put(data[begin:end].data, where)

    def _put(self, data: bytes | memoryview, offset: int) -> None:
        room = memoryview(data).cast("B")
        while room:
            count = os.pwrite(self._descriptor, room, offset)
            room, offset = room[count:], offset + count
            self.written += count


def _bytes(slot: Slot) -> int:
    return slot.rows * row_bytes(slot.type, slot.width)
