"""GGUF types: which there are, and making one from a float GGUF with llama.cpp's own quantiser."""

from __future__ import annotations

import os
from pathlib import Path

from engine.export.convert import FloatType
from store import atomic
from store.errors import TemperError, UsageError

FLOAT_TYPES: tuple[FloatType, ...] = ("f32", "f16", "bf16")

# name -> llama_ftype of llama.h
QUANTISED = {
    "q8_0": 7,
    "q6_k": 18,
    "q5_k_m": 17,
    "q4_k_m": 15,
    "q4_0": 2,
    "q3_k_m": 12,
}


def parse_types(text: str) -> list[str]:
    """`q8_0,f16` as a list without repeats. Raises UsageError for a type that is not known."""
    types = list(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    unknown = [kind for kind in types if kind not in FLOAT_TYPES and kind not in QUANTISED]
    if unknown or not types:
        known = ", ".join([*FLOAT_TYPES, *QUANTISED])
        raise UsageError(
            "Unknown GGUF type", f"{', '.join(unknown) or 'Nothing'} is not a type; there are {known}.", "Choose from these."
        )
    return types


def quantise(source: Path, out: Path, kind: str) -> Path:
    """Quantise a float GGUF to `kind`; `out` appears whole or not at all. Raises TemperError when llama.cpp refuses."""
    import llama_cpp

    from engine.inference.llama import quiet_backend

    quiet_backend()
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = QUANTISED[kind]
    parameters.nthread = os.cpu_count() or 1
    partial = atomic.temporary_name(out).with_suffix(".gguf")
    code = llama_cpp.llama_model_quantize(str(source).encode(), str(partial).encode(), parameters)
    if code != 0 or not partial.is_file():
        partial.unlink(missing_ok=True)
        raise TemperError(
            f"Quantising to {kind} failed",
            f"llama.cpp refused {source.name} (code {code}).",
            "The run's log has its reason; a full disk is the usual one.",
        )
    atomic.sync_file(partial)
    os.replace(partial, out)
    return out
