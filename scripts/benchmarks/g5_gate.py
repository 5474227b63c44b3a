"""Whether two GGUF files are the same but for the order of what is in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.export.onepass.ggml import row_bytes
from engine.export.onepass.layout import read_layout


def differences(one: Path, two: Path) -> list[str]:
    """Keys and tensors that are not equal in type, shape, value and every byte."""
    first, second = read_layout(one), read_layout(two)
    keys = first.metadata.keys() | second.metadata.keys()
    found = [str(key) for key in keys if first.metadata.get(key) != second.metadata.get(key)]
    slots = [{slot.name: slot for slot in layout.slots} for layout in (first, second)]
    for name in slots[0].keys() | slots[1].keys():
        a, b = slots[0].get(name), slots[1].get(name)
        if a is None or b is None or (a.type, a.shape) != (b.type, b.shape):
            found.append(f"{a} is not {b}")
            continue
        size = a.rows * row_bytes(a.type, a.width)
        bytes_a = np.fromfile(one, np.uint8, size, offset=first.data + a.begin)
        bytes_b = np.fromfile(two, np.uint8, size, offset=second.data + b.begin)
        if len(bytes_a) != size or not np.array_equal(bytes_a, bytes_b):
            found.append(name)
    return sorted(found)
