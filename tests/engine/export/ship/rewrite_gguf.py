"""A copy of a GGUF with faults planted in it, by llama.cpp's own gguf-py: that of the converter's folder."""

from __future__ import annotations

import functools
import importlib
import sys
from pathlib import Path
from typing import Any

from store import paths


@functools.cache
def _gguf() -> Any:
    """The package of the folder, whatever else is installed under its name."""
    folder = str(paths.converter_dir() / "gguf-py")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("gguf")
    finally:
        sys.path.remove(folder)


def rewrite(
    source: Path, out: Path, changed: dict[str, Any], drop: list[str], permute: dict[str, int]
) -> None:
    """Write the copy: `changed` values by key; without keys and tensors of `drop`.

    `permute` takes the halves of a tensor's so many heads by turns.
    """
    gguf = _gguf()
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(out, reader.fields["general.architecture"].contents())
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", *drop):
            continue
        value = changed.get(field.name, field.contents())
        inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, value, field.types[0], inner)
    for tensor in reader.tensors:
        data = tensor.data
        if tensor.name in permute:
            heads = permute[tensor.name]
            turned = data.reshape(heads, 2, data.shape[0] // heads // 2, -1).swapaxes(1, 2)
            data = turned.reshape(data.shape).copy()
        if tensor.name not in drop:
            writer.add_tensor(tensor.name, data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
