"""Adapter GGUF files over a loaded base: put on, swapped, taken off, without loading the base again."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

import llama_cpp

from engine.inference.llama import Context, Model, check_magic
from store.errors import UsageError


class LoraAdapter:
    """An adapter GGUF that is loaded for one model, which frees it when it is closed.

    Raises MissingError, or UsageError where the file is no adapter or fits another base.
    """

    def __init__(self, model: Model, path: Path) -> None:
        check_magic(path)
        handle = llama_cpp.llama_adapter_lora_init(model.handle, str(path).encode())
        if not handle:  # a pointer that may be null
            raise UsageError(
                "The adapter does not fit the model",
                f"llama.cpp refused {path} for {model.path}.",
                "Use it with a GGUF of the base that it was trained on; the log has the tensor.",
            )
        self.model = model
        self.path = path
        self.handle = handle


class AdapterShelf:
    """A model's adapters by path, each loaded once; of the context that computes, which ones are on."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._loaded: dict[str, LoraAdapter] = {}
        self._on: tuple[tuple[str, float], ...] = ()

    def load(self, path: str) -> None:
        """Have an adapter ready. Raises as LoraAdapter does."""
        if path not in self._loaded:
            self._loaded[path] = LoraAdapter(self._model, Path(path))

    def put_on(self, handle: llama_cpp.llama_context_p, adapters: tuple[tuple[str, float], ...]) -> None:
        """Compute with these adapters, each times its scale; what was read stays as it was read."""
        if adapters != self._on:
            _set(handle, [(self._loaded[path], scale) for path, scale in adapters])
            self._on = adapters

    def forget(self) -> None:
        """The context is a new one: it has none on."""
        self._on = ()


def put_on(context: Context, adapters: Sequence[tuple[LoraAdapter, float]]) -> None:
    """Make a context answer with these adapters, each times its factor (1 is as trained); none takes all off.

    What it has read is forgotten: it was read with other weights. Raises UsageError for another model's.
    """
    if any(adapter.model is not context.model for adapter, _ in adapters):
        raise UsageError("The adapter is another model's", "It was loaded for one.", "Load it for this one.")
    _set(context.handle, adapters)
    context.clear()


def _set(handle: llama_cpp.llama_context_p, adapters: Sequence[tuple[LoraAdapter, float]]) -> None:
    count = len(adapters)
    handles = (llama_cpp.llama_adapter_lora_p_ctypes * count)(*(one.handle for one, _ in adapters))
    scales = (ctypes.c_float * count)(*(scale for _, scale in adapters))
    if llama_cpp.llama_set_adapters_lora(handle, handles, count, scales) != 0:
        raise UsageError(
            "The adapters cannot be put on", "llama.cpp refused them.", "The log has its reason."
        )
