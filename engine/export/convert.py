"""A Hugging Face directory becomes a GGUF file: llama.cpp's own converter, run as a subprocess.

Does not quantise and does not judge the result.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from engine.export.converter import Converter
from engine.export.vocabulary import Vocabulary, gguf_name, read_raw, read_vocabulary
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import leading_ids, load_tokenizer
from store import atomic, paths
from store.errors import MissingError, TemperError

POLL_SECONDS = 0.05

FloatType = Literal["f32", "f16", "bf16"]

NATIVE: dict[str, FloatType] = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}


def native_type(model: ModelDirectory) -> FloatType:
    """The GGUF type that keeps a model's weights as they are."""
    return NATIVE.get(model.dtype, "f16")


class Orders(msgspec.Struct):
    """What the converter's process is told: which script, and what to write instead of its own finding.

    None leaves a thing to the stock converter. `metadata` has GGUF keys and texts or counts.
    """

    script: str
    vocabulary: Vocabulary | None = None
    add_bos: bool | None = None
    metadata: dict[str, str | int] = {}
    probe: bool = False


def to_gguf(
    directory: Path,
    out: Path,
    outtype: FloatType = "f32",
    name: str | None = None,
    advance: Callable[[int], None] = lambda written: None,
    metadata: Mapping[str, str | int] | None = None,
    started: Converter | None = None,
) -> Path:
    """Convert the model in `directory` to the file `out`, which appears whole or not at all.

    `name` is what the file says it is, the directory's name when left out. `advance` hears the bytes written
    so far, a few times per second; what it raises stops the conversion. `metadata` is written under its
    keys. `started` is a process that waits for this model, a probe where it was started for one; it is ended.
    Raises as `convert` does.
    """
    model = ModelDirectory(directory)
    shown = gguf_name(name or directory.name, read_raw(model.tokenizer_file))
    orders = Orders(
        "convert_hf_to_gguf.py", read_vocabulary(directory, embedding_rows(model)), begins_with_bos(model)
    )
    orders.probe = started is not None and started.probe
    arguments = [str(directory), "--outtype", outtype, "--model-name", shown]
    return convert(orders, arguments, directory, out, advance, metadata, started)


def convert(
    orders: Orders | str,
    arguments: list[str],
    directory: Path,
    out: Path,
    advance: Callable[[int], None] = lambda written: None,
    metadata: Mapping[str, str | int] | None = None,
    started: Converter | None = None,
) -> Path:
    """Run one of llama.cpp's converters (by its file's name, or with orders); it writes `out`.

    `directory` is the model that errors speak of. Raises MissingError when set-up has not made the converter,
    TemperError with its last words when it fails.
    """
    orders = Orders(orders) if isinstance(orders, str) else orders
    orders.metadata = dict(metadata or {})
    folder = paths.converter_dir()
    if not (folder / orders.script).is_file():
        raise MissingError("llama.cpp's converter is not there", f"{folder} is empty.", "Run: scripts/setup")
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = atomic.temporary_name(out).with_suffix(".gguf")
    with started or Converter(orders.probe) as converter:
        converter.order(msgspec.json.encode(orders), ["--outfile", str(partial), *arguments])
        wait_for(converter, directory, partial, advance)
    try:
        atomic.sync_file(partial)
        os.replace(partial, out)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise atomic.disk_error(error, out) from error
    return out


def wait_for(converter: Converter, directory: Path, partial: Path, advance: Callable[[int], None]) -> None:
    """Let it convert; raise TemperError with the end of what it said when it fails."""
    try:
        while converter.process.poll() is None:
            advance(partial.stat().st_size if partial.exists() else 0)
            time.sleep(POLL_SECONDS)
    except BaseException:
        converter.close()  # before its file is removed
        partial.unlink(missing_ok=True)
        raise
    words = converter.words
    sys.stderr.write(words)
    if converter.process.returncode != 0 or not partial.is_file():
        partial.unlink(missing_ok=True)
        raise refusal(words, directory, partial)


def refusal(words: str, directory: Path, partial: Path) -> TemperError:
    """What a user is told when the converter gave up, from what it said."""
    if "No space left" in words:
        return atomic.disk_error(OSError(errno.ENOSPC, "No space left on device"), partial)
    lines = [line for line in words.strip().splitlines() if line.strip() and not line.startswith(" ")]
    remedy = "The run's log has all it said."
    if "pre-tokenizer was not recognized" in words:
        remedy = "Its tokenizer splits text in a way unknown to llama.cpp: no GGUF of it would be right."
    return TemperError(
        "llama.cpp's converter refused the model",
        f"{directory.name}: {lines[-1] if lines else 'no reason given'}",
        remedy,
    )


def begins_with_bos(model: ModelDirectory) -> bool | None:
    """Whether the tokenizer.json puts its BOS before a text; None where it puts something else there.

    The stock converter asks tokenizer_config.json too, which says something else for some models.
    """
    tokenizer = load_tokenizer(model.tokenizer_file)
    leading = leading_ids(tokenizer)
    bos = tokenizer.token_to_id(model.special_token("bos_token"))
    return {(): False, (bos,): True}.get(tuple(leading))


def embedding_rows(model: ModelDirectory) -> int:
    """How many ids the model's embedding has: what GGUF's vocabulary must be padded to."""
    text_config = model.config.get("text_config") or {}
    return int(model.config.get("vocab_size") or text_config.get("vocab_size") or 0)
