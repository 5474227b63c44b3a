"""The main of a process of its own: a copy of a GGUF with faults planted in it.

`python rewrite_gguf.py FOLDER SOURCE OUT FAULTS_JSON`: with the gguf-py of the private FOLDER. FAULTS: `set`
{key: value}, `drop` keys and tensors, `permute` {tensor: heads} takes the halves of heads by turns.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(folder: str, source: str, out: str, faults: str) -> None:
    """Write the copy."""
    sys.path.insert(0, str(Path(folder) / "gguf-py"))
    import gguf  # type: ignore[import-not-found]  # the private folder's

    asked = {"set": {}, "drop": [], "permute": {}} | json.loads(faults)
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(out, reader.fields["general.architecture"].contents())
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", *asked["drop"]):
            continue
        value = asked["set"].get(field.name, field.contents())
        inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, value, field.types[0], inner)
    for tensor in reader.tensors:
        data = tensor.data
        if tensor.name in asked["permute"]:
            heads = asked["permute"][tensor.name]
            turned = data.reshape(heads, 2, data.shape[0] // heads // 2, -1).swapaxes(1, 2)
            data = turned.reshape(data.shape).copy()
        if tensor.name not in asked["drop"]:
            writer.add_tensor(tensor.name, data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
