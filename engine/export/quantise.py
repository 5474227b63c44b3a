"""GGUF types: which there are, making one of a float GGUF with llama.cpp's own quantiser, what fell back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING

from engine.export.convert import POLL_SECONDS, FloatType
from engine.export.gguf_header import TensorInfo, read_header
from store import atomic
from store.errors import TemperError, UsageError

if TYPE_CHECKING:
    from engine.export.importance import Importance

FLOAT_TYPES: tuple[FloatType, ...] = ("f32", "f16", "bf16")

# name -> llama_ftype of llama.h
QUANTISED = {
    "q8_0": 7,
    "q6_k": 18,
    "q5_k_m": 17,
    "q4_k_m": 15,
    "q4_0": 2,
    "q3_k_m": 12,
    "iq4_nl": 25,
    "iq4_xs": 30,
    "iq3_m": 27,
    "iq3_s": 26,
    "iq3_xs": 22,
    "iq3_xxs": 23,
    "iq2_m": 29,
    "iq2_s": 28,
    "iq2_xs": 20,
    "iq2_xxs": 19,
}
IMPORTANCE_TYPES = tuple(kind for kind in QUANTISED if kind.startswith("iq"))
"""Types made with an importance matrix. llama.cpp demands one of the smallest only, but all gain by it."""

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
    "iq4_nl": 4.6,
    "iq4_xs": 4.4,
    "iq3_m": 3.75,
    "iq3_s": 3.5,
    "iq3_xs": 3.4,
    "iq3_xxs": 3.15,
    "iq2_m": 2.8,
    "iq2_s": 2.6,
    "iq2_xs": 2.45,
    "iq2_xxs": 2.2,
}
_BLOCK_OF_32 = ("q8_0", "q4_0", "iq4_nl")
_SMALL_BLOCK, _BLOCK = 32, 256


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


def needs_importance(kinds: Iterable[str]) -> bool:
    """Whether any of these types is made with an importance matrix."""
    return any(kind in IMPORTANCE_TYPES for kind in kinds)


def quantise(
    source: Path,
    out: Path,
    kind: str,
    advance: Callable[[int], None] = lambda written: None,
    importance: Importance | None = None,
) -> Path:
    """Quantise a float GGUF to `kind`; `out` appears whole or not at all.

    `advance` hears the bytes written so far; what it raises comes out once llama.cpp is done, which cannot be
    interrupted. Only IMPORTANCE_TYPES use `importance`, and raise UsageError without. Raises TemperError when
    llama.cpp refuses.
    """
    import llama_cpp

    from engine.export.importance import as_parameter
    from engine.inference.llama import quiet_backend

    quiet_backend()
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = QUANTISED[kind]
    parameters.nthread = os.cpu_count() or 1
    if kind in IMPORTANCE_TYPES:
        if importance is None:
            raise missing_importance(kind)
        parameters.imatrix = as_parameter(importance)
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


def missing_importance(kind: str) -> UsageError:
    """An IQ type was asked for where nothing was measured."""
    return UsageError(
        "This type needs an importance matrix",
        f"{kind} rounds by how much each column matters to the rows of a run, which was not measured yet.",
        f"Make it once with: temper export RUN --quant {kind}. It is used wherever that run is then.",
    )


def fallbacks(file: Path, kind: str) -> list[TensorInfo]:
    """The tensors of a file whose rows the blocks of `kind` do not divide, with the type they got instead.

    llama.cpp then takes a type with blocks of 32, or f16 where not even those fit. What it leaves in floats
    by design (vectors, routers, positions) is none.
    """
    if kind in FLOAT_TYPES:
        return []
    block = _SMALL_BLOCK if kind in _BLOCK_OF_32 else _BLOCK
    return [
        one
        for one in read_header(file).tensors
        if len(one.shape) > 1
        and one.shape[0] % block
        and (one.type not in FLOAT_TYPES or one.shape[0] % _SMALL_BLOCK)
    ]
