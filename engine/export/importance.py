"""How much each input column of each weight matrix matters, measured on the run's own texts.

The importance of a column is the mean of its squared activation over all tokens that pass the matrix: the
weight that its rounding error gets in llama.cpp's quantiser (tools/imatrix/README.md of llama.cpp; of a
mixture of experts, over the tokens that each expert is given). llama.cpp calls back with every product while
it reads the texts. Knows nothing of datasets and GGUF types.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt
from llama_cpp.llama_cpp import ggml_backend_sched_eval_callback

from engine.inference.llama import READ_BATCH, Model, threads
from store.errors import TemperError, UsageError

TOKENS = 20_000
"""Most tokens that are read: the means of more than that no longer move much, and time grows with them."""
Importance = dict[str, npt.NDArray[np.float32]]
"""Mean squared activation per input column, by the matrix's name in the GGUF: [experts * in], experts 1."""
_F32 = 0  # ggml.h
_PRODUCTS = (b"MUL_MAT", b"MUL_MAT_ID")
_UNSEEN = 1.0  # all columns alike where an expert got no token, as llama.cpp's own tool has it


class _Tensor(ctypes.Structure):
    """struct ggml_tensor of ggml.h, as far as it is read here."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("buffer", ctypes.c_void_p),
        ("ne", ctypes.c_int64 * 4),
        ("nb", ctypes.c_size_t * 4),
        ("op", ctypes.c_int),
        ("op_params", ctypes.c_int32 * 16),
        ("flags", ctypes.c_int32),
        ("src", ctypes.c_void_p * 10),
        ("view_src", ctypes.c_void_p),
        ("view_offs", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
        ("name", ctypes.c_char * 64),
    )


@lru_cache(maxsize=1)
def _ggml() -> ctypes.CDLL:
    """The ggml that llama.cpp itself runs on, with the few calls that its Python package leaves out."""
    folder = Path(llama_cpp.__file__).parent / "lib"
    library = ctypes.CDLL(str(next(folder.glob("*ggml-base.*"))))
    for name in ("ggml_get_name", "ggml_op_desc"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
        getattr(library, name).restype = ctypes.c_char_p
    library.ggml_nbytes.argtypes, library.ggml_nbytes.restype = [ctypes.c_void_p], ctypes.c_size_t
    library.ggml_backend_tensor_get.argtypes = [ctypes.c_void_p] * 2 + [ctypes.c_size_t] * 2
    return library


class _Collector:
    """Hears of every product that llama.cpp computes; sums squares by matrix and expert."""

    def __init__(self) -> None:
        self.sums: dict[str, npt.NDArray[np.float64]] = {}
        self.counts: dict[str, npt.NDArray[np.int64]] = {}
        self.error: BaseException | None = None

    def hear(self, address: int, asking: bool, data: object) -> bool:
        """Called before a tensor is computed, to say whether it is wanted, and after it if it was."""
        try:
            if asking:
                return _ggml().ggml_op_desc(address) in _PRODUCTS
            self._add(_Tensor.from_address(address), address)
        except BaseException as error:  # C cannot be raised through
            self.error = error
            return False
        return True

    def _add(self, product: _Tensor, address: int) -> None:
        if _ggml().ggml_get_name(address) != product.name:
            raise TemperError(
                "No importance can be measured with this llama.cpp",
                "Its tensors are laid out in another way than Temper knows.",
                "Choose a type that needs none, such as q4_k_m.",
            )
        matrix, into = _Tensor.from_address(product.src[0]), _Tensor.from_address(product.src[1])
        name = matrix.name.decode().partition("#")[2].partition("#")[0] or matrix.name.decode()
        if not name.endswith(".weight") or into.type != _F32:
            return
        activations = _copy(product.src[1], into, np.float32)
        if product.src[2]:
            ids = _copy(product.src[2], _Tensor.from_address(product.src[2]), np.int32)
            self._add_experts(name, matrix.ne[2], activations[0], ids[0, 0])
        else:
            rows = activations.reshape(-1, into.ne[0])
            self._count(name, 1, 0, rows)

    def _add_experts(self, name: str, experts: int, rows: Any, ids: Any) -> None:
        """`rows` [tokens, used or 1, in]; `ids` [tokens, used]: the experts of each token."""
        spread = np.broadcast_to(rows, (*ids.shape, rows.shape[-1]))
        for expert in range(experts):
            self._count(name, experts, expert, spread[ids == expert])

    def _count(self, name: str, experts: int, expert: int, rows: Any) -> None:
        width = rows.shape[-1]
        sums = self.sums.setdefault(name, np.zeros((experts, width)))
        counts = self.counts.setdefault(name, np.zeros(experts, dtype=np.int64))
        sums[expert] += np.square(rows, dtype=np.float64).sum(axis=0)
        counts[expert] += len(rows)

    def means(self) -> Importance:
        """What was heard so far."""
        found = {}
        for name, sums in self.sums.items():
            counts = self.counts[name][:, None]
            means = np.where(counts > 0, sums / np.maximum(counts, 1), _UNSEEN)
            found[name] = means.astype(np.float32).ravel()
        return found


def _copy(address: int | None, tensor: _Tensor, kind: Any) -> npt.NDArray[Any]:
    """A tensor's numbers, [ne3, ne2, ne1, ne0], from wherever they lie; it may be a view with gaps."""
    size = _ggml().ggml_nbytes(address)
    room = np.empty(math.ceil(size / 4), dtype=np.float32)
    _ggml().ggml_backend_tensor_get(address, room.ctypes.data, 0, size)
    return np.lib.stride_tricks.as_strided(room.view(kind), list(tensor.ne)[::-1], list(tensor.nb)[::-1])


def measure(
    file: Path, texts: Sequence[Sequence[int]], advance: Callable[[int], None] = lambda done: None
) -> Importance:
    """The importance of every matrix of a GGUF that the texts' ids pass, at most TOKENS of them.

    `advance` hears the tokens read so far; what it raises comes out. Raises UsageError when there is nothing
    to read.
    """
    if not any(texts):
        raise UsageError(
            "There is no text to measure importance on", "The run has no rows.", "Choose a type without iq."
        )
    collector = _Collector()
    hear = ggml_backend_sched_eval_callback(collector.hear)
    model = Model(file)
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = READ_BATCH
    parameters.n_threads = parameters.n_threads_batch = threads(llama_cpp.llama_model_size(model.handle))
    parameters.cb_eval = hear
    context = llama_cpp.llama_init_from_model(model.handle, parameters)
    batch = llama_cpp.llama_batch_init(READ_BATCH, 0, 1)
    try:
        done = 0
        for text in texts:
            for start in range(0, len(text), READ_BATCH):
                part = text[start : start + READ_BATCH][: TOKENS - done]
                if part:
                    _read(context, batch, part)
                    done += len(part)
                    if collector.error is not None:
                        raise collector.error
                    advance(done)
    finally:
        llama_cpp.llama_batch_free(batch)
        llama_cpp.llama_free(context)
        model.close()
    return collector.means()


def _read(context: Any, batch: Any, ids: Sequence[int]) -> None:
    """Read one piece by itself. Logits are asked of every token: else the last layer would see one only."""
    llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), True)
    batch.n_tokens = len(ids)
    for at, token in enumerate(ids):
        batch.token[at], batch.pos[at] = token, at
        batch.n_seq_id[at], batch.seq_id[at][0] = 1, 0
        batch.logits[at] = True
    if (code := llama_cpp.llama_decode(context, batch)) != 0:
        raise TemperError(
            "Importance could not be measured",
            f"llama.cpp ended with code {code}.",
            "The log has its reason.",
        )


def as_parameter(importance: Importance) -> ctypes.Array[llama_cpp.llama_cpp.llama_model_imatrix_data]:
    """The same as llama_model_quantize takes it: an array that ends with an empty name.

    It points into `importance`, which must be kept as long.
    """
    entry = llama_cpp.llama_cpp.llama_model_imatrix_data
    array = (entry * (len(importance) + 1))()
    for at, (name, values) in enumerate(sorted(importance.items())):
        pointer = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        array[at] = entry(name.encode(), pointer, values.size)
    return array
