"""ggml's row-wise quantiser, called in the library that llama.cpp brings along.

Rows are quantised each for itself, so blocks of them give the bytes of the whole tensor. The calls let go of
the interpreter's lock. Knows no importance matrix.
"""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path

import numpy as np
import torch

from engine.export.onepass.layout import BF16, F16, F32

_OWN = {torch.float32: F32, torch.float16: F16, torch.bfloat16: BF16}


@functools.cache
def _library() -> ctypes.CDLL:
    import llama_cpp
    from llama_cpp._ctypes_extensions import load_shared_library

    library: ctypes.CDLL = load_shared_library("ggml-base", Path(llama_cpp.__file__).parent / "lib")
    library.ggml_row_size.argtypes = [ctypes.c_int, ctypes.c_int64]
    library.ggml_row_size.restype = ctypes.c_size_t
    library.ggml_quantize_chunk.argtypes = [
        ctypes.c_int,  # type
        ctypes.c_void_p,  # float32 numbers
        ctypes.c_void_p,  # where the blocks go
        ctypes.c_int64,  # first number
        ctypes.c_int64,  # rows
        ctypes.c_int64,  # numbers in a row
        ctypes.c_void_p,  # importance
    ]
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    library.ggml_validate_row_data.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
    library.ggml_validate_row_data.restype = ctypes.c_bool
    return library


@functools.cache
def row_bytes(kind: int, width: int) -> int:
    """Bytes of a row of `width` numbers in a type of ggml."""
    return int(_library().ggml_row_size(kind, width))


def encoded(rows: torch.Tensor, kind: int) -> np.ndarray:
    """Rows [n, width] in a type of ggml, as bytes [n, bytes of a row].

    Raises ValueError where a number is none before or behind, as llama.cpp's quantiser does: it looks at
    both, since a type of blocks can hide it.
    """
    count, width = rows.shape
    own = _OWN[rows.dtype]
    given: np.ndarray = rows.contiguous().view(torch.uint8).numpy()
    _check_finite(given, own)
    if own == kind:
        return given
    floats = rows.float().contiguous()
    if kind == F32:
        return floats.view(torch.uint8).numpy()
    out = np.empty((count, row_bytes(kind, width)), np.uint8)
    _library().ggml_quantize_chunk(kind, floats.data_ptr(), out.ctypes.data, 0, count, width, None)
    _check_finite(out, kind)
    return out


def _check_finite(data: np.ndarray, kind: int) -> None:
    if not _library().ggml_validate_row_data(kind, data.ctypes.data, data.nbytes):
        raise ValueError(f"a row has no finite number in type {kind}")
