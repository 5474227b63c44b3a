"""llama.cpp, typed and thin: a model's vocabulary and metadata, and a context that reads and writes tokens.

The low-level API only. Does not know what a chat is, nor when to stop.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt
import psutil

from engine.inference.backend import heard
from engine.inference.backend import quiet_backend as quiet_backend  # whoever needs llama.cpp finds it here
from engine.inference.cores import FreeCores, allowed_cores
from store.errors import MissingError, TemperError, UsageError

MAGIC = b"GGUF"
CONTEXT_CAP = 8192
"""Most tokens of a context unless asked for more: memory grows with it, and few questions need it."""
READ_BATCH = 512
"""Tokens read at once; also how often a long prompt can be interrupted."""
SMALL_MODEL = 32_000_000
"""Bytes of weights below which one thread is as fast as two or faster (docs/decisions/0006)."""

_OUT_OF_MEMORY = ("out of memory", "unable to allocate", "failed to allocate", "cudamalloc failed")


def threads(weights: int) -> int:
    """Threads for a model of `weights` bytes: the physical cores that this process may use, no more.

    A small model gets one: its layers take microseconds, and threads that wait for each other by spinning
    cost more than they help, by far more when other programs want the cores too.
    """
    if weights < SMALL_MODEL:
        return 1
    usable = allowed_cores()
    return max(1, min(psutil.cpu_count(logical=False) or usable, usable))


class Model:
    """A GGUF file's weights, vocabulary and metadata; all layers on the GPU where llama.cpp can use one.

    Raises MissingError, UsageError (not a GGUF, or damaged) or TemperError (out of memory). Close it.
    """

    def __init__(self, path: Path, *, gpu: bool = True, vocabulary_only: bool = False) -> None:
        quiet_backend()
        check_magic(path)
        self.path = path
        self.on_gpu = gpu and bool(llama_cpp.llama_supports_gpu_offload())
        parameters = llama_cpp.llama_model_default_params()
        parameters.n_gpu_layers = -1 if self.on_gpu else 0
        parameters.vocab_only = vocabulary_only
        heard.complaints.clear()
        handle = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        if handle is None:
            raise load_error(path)
        self.handle = handle
        self.vocab = llama_cpp.llama_model_get_vocab(handle)
        assert self.vocab is not None  # every loaded model has one
        self.vocabulary_size = llama_cpp.llama_vocab_n_tokens(self.vocab)
        self.context_length = llama_cpp.llama_model_n_ctx_train(handle)
        self.most_threads = threads(llama_cpp.llama_model_size(handle))
        self._cores = FreeCores(self.most_threads)
        self._piece_buffer = ctypes.create_string_buffer(256)
        self._pieces: dict[int, bytes] = {}
        self._closed = False

    def threads(self) -> int:
        """Threads for the next step: as many as cores are free; one for a small model."""
        return 1 if self.most_threads == 1 else self._cores.count()

    @cached_property
    def metadata(self) -> dict[str, str]:
        """GGUF's key-value pairs as text; arrays are shortened by llama.cpp."""
        pairs = {}
        for index in range(llama_cpp.llama_model_meta_count(self.handle)):
            key = _read_string(partial(llama_cpp.llama_model_meta_key_by_index, self.handle, index))
            pairs[key] = _read_string(
                partial(llama_cpp.llama_model_meta_val_str_by_index, self.handle, index)
            )
        return pairs

    @property
    def chat_template(self) -> str:
        """The file's own chat template, empty when it has none."""
        return self.metadata.get("tokenizer.chat_template", "")

    @cached_property
    def bos_id(self) -> int:
        """The token that begins a text, -1 when there is none."""
        return int(llama_cpp.llama_vocab_bos(self.vocab))

    @cached_property
    def eos_id(self) -> int:
        """The token that ends a text, -1 when there is none."""
        return int(llama_cpp.llama_vocab_eos(self.vocab))

    @cached_property
    def eot_id(self) -> int:
        """The token that ends a turn, -1 when there is none."""
        return int(llama_cpp.llama_vocab_eot(self.vocab))

    @cached_property
    def adds_bos(self) -> bool:
        """Whether the tokenizer puts its BOS before every text."""
        return self.bos_id >= 0 and bool(llama_cpp.llama_vocab_get_add_bos(self.vocab))

    @property
    def bos_text(self) -> str:
        """BOS as chat templates write it; empty where the file names none (llama.cpp then assumes one)."""
        return self.token_text(self.bos_id) if "tokenizer.ggml.bos_token_id" in self.metadata else ""

    @property
    def eos_text(self) -> str:
        """EOS as chat templates write it; empty where the file names none."""
        return self.token_text(self.eos_id) if "tokenizer.ggml.eos_token_id" in self.metadata else ""

    @property
    def writes_spaces_first(self) -> bool:
        """Whether a word's token begins with its space, also at the start of a text (SentencePiece)."""
        return self.metadata.get("tokenizer.ggml.model") == "llama"

    @cached_property
    def stop_ids(self) -> frozenset[int]:
        """Every token that ends an answer (end of text, of turn, of message)."""
        ids = range(self.vocabulary_size)
        return frozenset(token for token in ids if llama_cpp.llama_vocab_is_eog(self.vocab, token))

    def token_text(self, token: int) -> str:
        """A token as the vocabulary spells it (`<s>`); empty for -1."""
        if token < 0:
            return ""
        return (llama_cpp.llama_vocab_get_text(self.vocab, token) or b"").decode("utf-8", errors="replace")

    def tokenise(self, text: str, *, parse_special: bool = True, framed: bool = False) -> list[int]:
        """Ids of `text` as written: special tokens spelled in it become their ids, none are added.

        Without `parse_special` they are text; `framed` adds those that the model puts around a text.
        """
        data = text.encode("utf-8", errors="surrogatepass")
        room = len(data) + 8
        while True:
            ids = (llama_cpp.llama_token * room)()
            count = llama_cpp.llama_tokenize(self.vocab, data, len(data), ids, room, framed, parse_special)
            if count >= 0:
                return list(ids[:count])
            room = -count

    def encode_prompt(self, text: str) -> list[int]:
        """Ids of a rendered prompt: BOS in front where the tokenizer adds it, unless the text begins with it.

        The same rule as engine.models.tokenizer.encode_prompt: what was trained is what is asked.
        """
        ids = self.tokenise(text)
        if not self.adds_bos or (self.bos_text and text.startswith(self.bos_text)):
            return ids
        return [self.bos_id, *ids]

    def piece(self, token: int) -> bytes:
        """The bytes that a token stands for: maybe part of a character; none for control tokens."""
        known = self._pieces.get(token)
        if known is None:
            known = self._pieces[token] = self._read_piece(token)
        return known

    def _read_piece(self, token: int) -> bytes:
        buffer = self._piece_buffer
        size = llama_cpp.llama_token_to_piece(self.vocab, token, buffer, len(buffer), 0, False)
        if size < 0:
            buffer = self._piece_buffer = ctypes.create_string_buffer(-size)
            size = llama_cpp.llama_token_to_piece(self.vocab, token, buffer, len(buffer), 0, False)
        return buffer.raw[:size]

    def close(self) -> None:
        """Free the weights. Close contexts first."""
        if not self._closed:
            self._closed = True
            llama_cpp.llama_model_free(self.handle)


class Context:
    """One conversation's memory over a model: reads prompts, writes token by token, keeps what is the same.

    `tokens` is what the memory holds. Raises TemperError when there is no memory for it.
    """

    def __init__(self, model: Model, size: int) -> None:
        self.model = model
        self.handle = new_context(model, context_parameters(model, size))
        self.memory = llama_cpp.llama_get_memory(self.handle)
        self.size = min(size, llama_cpp.llama_n_ctx(self.handle))
        self.batch_size = llama_cpp.llama_n_batch(self.handle)
        self.tokens: list[int] = []
        self._one = (llama_cpp.llama_token * 1)()
        self._one_batch = llama_cpp.llama_batch_get_one(self._one, 1)
        self._row = ctypes.c_float * model.vocabulary_size
        self._closed = False

    def read(self, ids: Sequence[int], stopped: Callable[[], bool] = lambda: False) -> int:
        """Make the memory hold `ids`, decoding only what it does not hold yet; how many tokens were reused.

        Afterwards `logits` are those behind the last id. Returns early when `stopped`; the next read goes on
        from there. Raises UsageError when `ids` are empty or do not fit.
        """
        self.check_fits(len(ids))
        kept = self._keep(ids)
        at = kept
        while at < len(ids) and not (at > kept and stopped()):
            part = list(ids[at : at + self.batch_size])
            array = (llama_cpp.llama_token * len(part))(*part)
            self._decode(llama_cpp.llama_batch_get_one(array, len(part)))
            self.tokens += part
            at += len(part)
        return kept

    def check_fits(self, count: int) -> None:
        """Raise UsageError unless a prompt of `count` tokens leaves room for one more."""
        check_fits(count, self.size)

    def append(self, token: int) -> None:
        """Add one token; `logits` are then those behind it. The context must have room."""
        self._one[0] = token
        self._decode(self._one_batch)
        self.tokens.append(token)

    @property
    def logits(self) -> npt.NDArray[np.float32]:
        """Scores [vocabulary] of the next token; llama.cpp's own memory, good until the next decoding."""
        pointer = llama_cpp.llama_get_logits_ith(self.handle, -1)
        return np.frombuffer(self._row.from_address(ctypes.addressof(pointer.contents)), dtype=np.float32)

    def clear(self) -> None:
        """Forget everything."""
        llama_cpp.llama_memory_clear(self.memory, True)
        self.tokens.clear()

    def close(self) -> None:
        """Free the memory."""
        if not self._closed:
            self._closed = True
            llama_cpp.llama_free(self.handle)

    def _keep(self, ids: Sequence[int]) -> int:
        """Keep the tokens that `ids` begin with, but decode at least the last one: its logits are wanted."""
        kept = common_prefix(self.tokens, ids[:-1])
        # Some architectures cannot forget the end of what they read; those start again.
        if kept < len(self.tokens) and not llama_cpp.llama_memory_seq_rm(self.memory, 0, kept, -1):
            self.clear()
            return 0
        del self.tokens[kept:]
        return kept

    def _decode(self, batch: llama_cpp.llama_batch) -> None:
        try:
            decode(self.model, self.handle, batch)
        except TemperError:
            self.clear()
            raise


def context_parameters(model: Model, cells: int) -> Any:
    """The llama_context_params of a context of `cells` tokens, as every context here has them."""
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = cells
    parameters.n_batch = parameters.n_ubatch = min(READ_BATCH, cells)
    parameters.n_threads = parameters.n_threads_batch = model.threads()
    parameters.no_perf = True
    if not llama_cpp.llama_supports_gpu_offload():
        # It sums in float16 on the CPU, enough to turn a near tie and with it a greedy text.
        parameters.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
    return parameters


def new_context(model: Model, parameters: Any) -> Any:
    """A llama_context. Raises TemperError when there is no memory for it."""
    heard.complaints.clear()
    handle = llama_cpp.llama_init_from_model(model.handle, parameters)
    if handle is None:
        wanted = f"A context of {parameters.n_ctx:,} tokens for {model.path.name} could not be made."
        raise memory_error(wanted)
    return handle


def decode(model: Model, handle: llama_cpp.llama_context_p, batch: llama_cpp.llama_batch) -> None:
    """Compute a batch. Raises TemperError where llama.cpp could not; what it then remembers is undefined."""
    count = model.threads()
    if count != llama_cpp.llama_n_threads(handle):
        llama_cpp.llama_set_n_threads(handle, count, count)
    code = llama_cpp.llama_decode(handle, batch)
    if code != 0:
        reason = "; ".join(heard.complaints) or f"code {code}"
        if any(word in reason.lower() for word in _OUT_OF_MEMORY):
            raise memory_error(reason)
        happened = f"{model.path.name}: {reason}."
        raise TemperError("llama.cpp could not go on", happened, "Ask again; the log has more.")


def check_fits(count: int, size: int) -> None:
    """Raise UsageError unless a prompt of `count` tokens leaves room for one more in a context of `size`."""
    if count == 0:
        raise UsageError("There is nothing to answer", "The prompt has no tokens.", "Write something.")
    if count >= size:
        raise UsageError(
            "The question is longer than the model can read",
            f"It has {count:,} tokens; the model's context has {size:,}, with room for an answer.",
            "Shorten it, start a new conversation, or use a model with a longer context.",
        )


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """How many elements both begin with."""
    shared = min(len(left), len(right))
    if list(left[:shared]) == list(right[:shared]):
        return shared
    return next(index for index in range(shared) if left[index] != right[index])


def context_size(model: Model, needed: int = 0, cap: int = CONTEXT_CAP) -> int:
    """Tokens for a context: the model's own length, at most `cap`, and `needed` where that is known."""
    limits = [cap, model.context_length or cap]
    if needed:
        limits.append(needed)
    return max(8, min(limits))


def check_magic(path: Path) -> None:
    """Raise MissingError or UsageError when `path` is no GGUF file."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(MAGIC))
    except (FileNotFoundError, IsADirectoryError):
        raise MissingError(
            "The model file is not there", f"{path} is no file.", "Check the path in temper.toml."
        ) from None
    if magic != MAGIC:
        raise UsageError(
            "This is not a GGUF file",
            f"{path} begins with {magic!r}.",
            "Name a .gguf file, or a Hugging Face directory: it is converted when first needed.",
        )


def load_error(path: Path) -> TemperError:
    """Why llama.cpp did not load `path`, from what it said."""
    reason = "; ".join(dict.fromkeys(heard.complaints)) or "llama.cpp gave no reason"
    if any(word in reason.lower() for word in _OUT_OF_MEMORY):
        return memory_error(f"{path.name} ({path.stat().st_size / 1e9:.1f} GB): {reason}.")
    return UsageError(
        "The model file is damaged or of a kind that llama.cpp does not know",
        f"{path}: {reason}.",
        "Copy or export it again. Files that Temper made lie in .temper/models and may be deleted.",
    )


def memory_error(happened: str) -> TemperError:
    """There is not enough memory for a model or context."""
    free = psutil.virtual_memory().available / 1e9
    return TemperError(
        "Not enough memory for the model",
        f"{happened} {free:.1f} GB of main memory are free.",
        'Choose a smaller quantisation (quant = "q4_k_m") or close what else uses the memory.',
    )


def _read_string(read: Callable[[ctypes.Array[ctypes.c_char], int], int]) -> str:
    """What a C function writes into a buffer, which is made as large as it says."""
    size = 1024
    while True:
        buffer = ctypes.create_string_buffer(size)
        length = read(buffer, size)
        if length < size:
            return buffer.value.decode("utf-8", errors="replace") if length >= 0 else ""
        size = length + 1
