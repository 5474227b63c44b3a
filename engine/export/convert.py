"""A Hugging Face directory becomes a GGUF file: llama.cpp's own converter, run as a subprocess.

Does not quantise and does not judge the result.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

import msgspec

from engine.export.vocabulary import read_vocabulary
from engine.models.directory import ModelDirectory
from store import atomic, paths
from store.errors import MissingError, TemperError

FloatType = Literal["f32", "f16", "bf16"]

NATIVE: dict[str, FloatType] = {"float32": "f32", "float16": "f16", "bfloat16": "bf16"}


def native_type(model: ModelDirectory) -> FloatType:
    """The GGUF type that keeps a model's weights as they are."""
    return NATIVE.get(model.dtype, "f16")


def to_gguf(directory: Path, out: Path, outtype: FloatType = "f32", name: str | None = None) -> Path:
    """Convert the model in `directory` to the file `out`, which appears whole or not at all.

    Raises MissingError when set-up has not made the converter, TemperError with its last words when it fails.
    """
    model = ModelDirectory(directory)
    folder = paths.converter_dir()
    if not (folder / "convert_hf_to_gguf.py").is_file():
        raise MissingError("llama.cpp's converter is not there", f"{folder} is empty.", "Run: scripts/setup")
    vocabulary = read_vocabulary(directory, embedding_rows(model))
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = atomic.temporary_name(out).with_suffix(".gguf")
    with tempfile.TemporaryDirectory(prefix="temper-") as scratch:
        vocabulary_file = Path(scratch) / "vocabulary.json"
        vocabulary_file.write_bytes(msgspec.json.encode(vocabulary) if vocabulary else b"")
        script = Path(__file__).with_name("converter_process.py")
        command = [sys.executable, "-P", str(script), str(folder), str(vocabulary_file)]
        command += [str(directory), "--outfile", str(partial), "--outtype", outtype]
        command += ["--model-name", name] if name else []
        run_converter(command, directory, Path(scratch))
    try:
        atomic.sync_file(partial)
        os.replace(partial, out)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise atomic.disk_error(error, out) from error
    return out


def run_converter(command: list[str], directory: Path, scratch: Path) -> None:
    """Run the converter offline; raise TemperError with the end of what it said when it fails."""
    partial = Path(command[command.index("--outfile") + 1])
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HOME": str(scratch)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=scratch, check=False)
    sys.stderr.write(done.stderr)
    if done.returncode == 0 and partial.is_file():
        return
    partial.unlink(missing_ok=True)
    words = done.stderr.strip().splitlines()
    cause = next((line for line in reversed(words) if line.strip() and not line.startswith(" ")), "no reason given")
    if "No space left" in done.stderr:
        raise atomic.disk_error(OSError(28, "No space left on device"), partial)
    remedy = "The run's log has all it said."
    if "pre-tokenizer was not recognized" in done.stderr:
        remedy = "Its tokenizer splits text in a way that this llama.cpp does not know: no GGUF of it would be right."
    raise TemperError("llama.cpp's converter refused the model", f"{directory}: {cause}", remedy)


def embedding_rows(model: ModelDirectory) -> int:
    """How many ids the model's embedding has: what GGUF's vocabulary must be padded to."""
    text_config = model.config.get("text_config") or {}
    return int(model.config.get("vocab_size") or text_config.get("vocab_size") or 0)
