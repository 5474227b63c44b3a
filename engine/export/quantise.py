"""GGUF types: which there are, and making one from a float GGUF with llama.cpp's own quantiser."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from engine.export.convert import POLL_SECONDS, FloatType
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

# bits per weight, scales included, of a model whose layers all take the type (block layouts of ggml-common.h;
# for the K mixes as measured on Llama shapes): for estimates only
BITS = {
    "f32": 32.0,
    "f16": 16.0,
    "bf16": 16.0,
    "q8_0": 8.5,
    "q6_k": 6.57,
    "q5_k_m": 5.7,
    "q4_k_m": 4.9,
    "q4_0": 4.6,
    "q3_k_m": 3.95,
}


def expected_bytes(parameters: int, kind: str) -> int:
    """About how large a file of `kind` gets for a model of so many weights."""
    return int(parameters * BITS[kind] / 8)


def float_type(kind: str) -> FloatType:
    """`kind` as the float type that it is. Raises StopIteration for another."""
    return next(one for one in FLOAT_TYPES if one == kind)


def parse_types(text: str) -> list[str]:
    """`q8_0,f16` as a list without repeats. Raises UsageError for a type that is not known."""
    types = list(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    unknown = [kind for kind in types if kind not in FLOAT_TYPES and kind not in QUANTISED]
    if unknown or not types:
        known = ", ".join([*FLOAT_TYPES, *QUANTISED])
        raise UsageError(
            "Unknown GGUF type",
            f"{', '.join(unknown) or 'Nothing'} is not a type; there are {known}.",
            "Choose from these.",
        )
    return types


def quantise(
    source: Path, out: Path, kind: str, advance: Callable[[int], None] = lambda written: None
) -> Path:
    """Quantise a float GGUF to `kind`; `out` appears whole or not at all.

    `advance` hears the bytes written so far; what it raises comes out once llama.cpp is done, which cannot be
    interrupted. Raises TemperError when llama.cpp refuses.
    """
    import llama_cpp

    from engine.inference.llama import quiet_backend

    quiet_backend()
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = QUANTISED[kind]
    parameters.nthread = os.cpu_count() or 1
    partial = atomic.temporary_name(out).with_suffix(".gguf")
    names = (str(source).encode(), str(partial).encode())
    try:
        # ctypes lets go of the interpreter's lock while llama.cpp works
        with ThreadPoolExecutor(1) as pool:
            work = pool.submit(lambda: llama_cpp.llama_model_quantize(*names, parameters))
            while not work.done():
                wait([work], timeout=POLL_SECONDS)
                advance(partial.stat().st_size if partial.exists() else 0)
        if work.result() != 0 or not partial.is_file():
            raise TemperError(
                f"Quantising to {kind} failed",
                f"llama.cpp refused {source.name} (code {work.result()}).",
                "The run's log has its reason; a full disk is the usual one.",
            )
        atomic.sync_file(partial)
        os.replace(partial, out)
    finally:
        partial.unlink(missing_ok=True)
    return out
