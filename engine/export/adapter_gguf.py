"""An adapter becomes a GGUF file for llama.cpp's `--lora` and for swapping on a loaded base.

llama.cpp's own convert_lora_to_gguf.py does it, run as a subprocess. The format holds pairs of matrices and
one alpha, applied as alpha / rank; what else PEFT knows is brought into that form first where it can be, and
refused with the reason where it cannot. Does not judge the result.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

from engine.export.adapter_file import PREFIX, AdapterFile
from engine.export.adapter_settings import SETTINGS
from engine.export.convert import FloatType, convert
from engine.export.tensor_file import TensorReader, same_numbers
from engine.models.adapters import WEIGHTS
from engine.models.directory import ModelDirectory
from store.errors import UsageError

SCRIPT = "convert_lora_to_gguf.py"


def adapter_to_gguf(
    base: ModelDirectory,
    adapter: Path,
    out: Path,
    outtype: FloatType = "f32",
    metadata: Mapping[str, str | int] | None = None,
) -> Path:
    """Convert the adapter in the folder `adapter` to the file `out`, which appears whole or not at all.

    `metadata` is written under its keys. Raises UsageError for an adapter that the format cannot
    hold, else as engine.export.convert.convert does.
    """
    with AdapterFile(adapter) as file, tempfile.TemporaryDirectory(prefix="temper-") as scratch:
        check_holdable(file, base)
        prepared = prepare(file, Path(scratch))
        arguments = ["--base", str(base.path), "--outtype", outtype, str(prepared)]
        return convert(SCRIPT, arguments, base.path, out, metadata=metadata)


def check_holdable(file: AdapterFile, base: ModelDirectory) -> None:
    """Raise UsageError, with the reason, for an adapter whose GGUF would not be the adapter.

    llama.cpp's loader knows `.lora_a` and `.lora_b` of matrices only: it passes over norms in silence and
    has no place for lengths, biases or whole tensors.
    """
    reason = ""
    if file.config.get("use_dora"):
        reason = "It is a DoRA: its learned lengths depend on the base's weights, and the format has none"
    elif file.biases:
        reason = "It has biases in its matrices (lora_bias)"
    elif whole := own_tensors(file, base):
        reason = f"It brings whole tensors of its own ({', '.join(whole[:3])}; modules_to_save)"
    elif base.config.get("tie_word_embeddings") and (tied := tied_names(file)):
        reason = f"It changes {', '.join(tied)}, which the base uses both as embedding and as head"
    elif not file.low_ranks:
        reason = "It holds no pair of matrices"
    if reason:
        raise UsageError(
            "This adapter has no adapter GGUF",
            f"{file.path}: {reason}.",
            "Export it merged: temper export RUN",
        )


def own_tensors(file: AdapterFile, base: ModelDirectory) -> list[str]:
    """Names of the whole tensors that are not the base's own: PEFT saves an untouched embedding too."""
    wanted = dict(file.replaced)
    for shard in base.shards if wanted else []:
        with TensorReader(shard) as reader:
            for name in wanted.keys() & reader.specs.keys():
                if same_numbers(file.reader, wanted[name].name, reader, name):
                    del wanted[name]
    return sorted(wanted)


def tied_names(file: AdapterFile) -> list[str]:
    """The matrices of an update that lie on an embedding or on the head."""
    ends = ("lm_head.weight", "embed_out.weight", "output.weight")
    found = (
        name for name, one in file.low_ranks.items() if "embedding" in one.down.name or name.endswith(ends)
    )
    return sorted(found)


def prepare(file: AdapterFile, scratch: Path) -> Path:
    """The same adapter as plain LoRA with one alpha, in the layout that the converter expects.

    llama.cpp multiplies by alpha / rank of each pair. The alpha that gives the first pair its scale is kept;
    where another pair has another (rank_pattern, alpha_pattern), its B takes up the difference. A pair on a
    matrix that the base stores as [in, out] (GPT-2) changes places: (B A)^T = A^T B^T.
    """
    names = sorted(file.low_ranks)
    alphas = {name: one.scale * one.down.shape[0] for name, one in file.low_ranks.items()}
    alpha = alphas[names[0]]
    tensors: dict[str, torch.Tensor] = {}
    for name in names:
        factors, module = file.factors(name), PREFIX + name.removesuffix(".weight")
        up = factors.up if alphas[name] == alpha else factors.up * (alphas[name] / alpha)
        if "embedding" in file.low_ranks[name].down.name:
            pair = {"lora_embedding_A": factors.down, "lora_embedding_B": up}
        elif factors.transposed:
            pair = {"lora_A.weight": up.T, "lora_B.weight": factors.down.T}
        else:
            pair = {"lora_A.weight": factors.down, "lora_B.weight": up}
        tensors |= {f"{module}.{part}": tensor.contiguous() for part, tensor in pair.items()}
    folder = scratch / "adapter"
    folder.mkdir()
    save_file(tensors, folder / WEIGHTS, {"format": "pt"})
    settings = {"peft_type": "LORA", "lora_alpha": alpha}
    (folder / SETTINGS).write_text(json.dumps(settings), encoding="utf-8")
    return folder
