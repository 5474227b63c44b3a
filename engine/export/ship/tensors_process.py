"""The main of a process of its own: `python tensors_process.py FOLDER GGUF OUT WANTED_JSON`

Reads tensors of a GGUF with llama.cpp's own gguf-py from its private FOLDER, whatever their type, and writes
them in float32 to the file OUT (npz), with the names of all tensors as `names`. WANTED: {name: most rows}.
Never imported; nothing of Temper may be imported here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(folder: str, file: str, out: str, wanted: str) -> None:
    """Write those of the wanted tensors that are there."""
    sys.path.insert(0, str(Path(folder) / "gguf-py"))
    import gguf  # type: ignore[import-not-found]  # the private folder's
    import numpy as np

    limits = json.loads(wanted)
    tensors = gguf.GGUFReader(file).tensors
    found = {
        tensor.name: gguf.quants.dequantize(tensor.data[: limits[tensor.name]], tensor.tensor_type)
        for tensor in tensors
        if tensor.name in limits
    }
    np.savez(out, names=np.array([tensor.name for tensor in tensors]), **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
