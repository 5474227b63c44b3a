"""What a Hugging Face model directory holds, read from its small files; complete or refused with the reason.

Never loads weights and never runs code from the directory. Pickled weights are not accepted.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from store.errors import MissingError, UsageError
from store.hashing import sha256_of_files

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"


class ModelDirectory:
    """A base model on disk. Raises MissingError or UsageError at once when it cannot be used.

    `shapes`: shape by name of every tensor, read off the headers of the weights files.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_dir():
            raise MissingError(
                "The model directory is not there",
                f"{path} does not exist.",
                "Check the path in temper.toml or on the command line.",
            )
        self.config = self._read_json("config.json", required=True)
        self.tokenizer_config = self._read_json("tokenizer_config.json")
        self.generation_config = self._read_json("generation_config.json")
        if not self.tokenizer_file.is_file():
            raise MissingError(
                "The model has no tokenizer.json",
                f"{path} holds no tokenizer.json, the one tokenizer that Temper uses.",
                "Download the model's tokenizer.json into the directory (nearly every model has one).",
            )
        self.shards = self._shards()
        self.shapes = {name: shape for shard in self.shards for name, shape in tensor_shapes(shard).items()}
        if "quantization_config" in self.config:
            raise UsageError(
                "The base model is already quantised",
                f"{path}/config.json has a quantization_config.",
                "Use the 16-bit original: Temper quantises while training and when exporting.",
            )

    @property
    def tokenizer_file(self) -> Path:
        """The one tokenizer."""
        return self.path / "tokenizer.json"

    @property
    def architecture(self) -> str:
        """The class name in config.json, e.g. LlamaForCausalLM."""
        names = self.config.get("architectures") or ["unknown"]
        return str(names[0])

    @property
    def dtype(self) -> str:
        """`float32`, `float16` or `bfloat16`: what the weights are stored in, by config.json."""
        return str(self.config.get("dtype") or self.config.get("torch_dtype") or "float32")

    @property
    def context_length(self) -> int:
        """Most tokens the model was made for; 0 when config.json does not say."""
        return int(self.config.get("max_position_embeddings") or 0)

    @property
    def chat_template(self) -> str:
        """The model's own chat template, empty when it has none."""
        file = self.path / "chat_template.jinja"
        if file.is_file():
            return file.read_text(encoding="utf-8")
        template = self.tokenizer_config.get("chat_template") or ""
        if isinstance(template, list):
            named = {entry.get("name"): entry.get("template", "") for entry in template}
            template = named.get("default", "")
        return str(template)

    def special_token(self, name: str) -> str:
        """The text of `bos_token`, `eos_token` or `pad_token`; empty when the model has none."""
        token = self.tokenizer_config.get(name)
        if isinstance(token, dict):
            token = token.get("content")
        return str(token or "")

    @property
    def parameters(self) -> int:
        """How many weights the model has."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def fingerprint(self) -> str:
        """sha256 over weights, config and tokenizer: which model this is, wherever it lies."""
        return sha256_of_files([*self.shards, self.path / "config.json", self.tokenizer_file])

    def _read_json(self, name: str, required: bool = False) -> dict[str, Any]:
        file = self.path / name
        if not file.is_file():
            if required:
                raise MissingError(
                    "This is not a model directory",
                    f"{self.path} holds no {name}.",
                    "Point at the folder that holds config.json, tokenizer.json and *.safetensors.",
                )
            return {}
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise damaged_file(file, str(error)) from error
        if not isinstance(content, dict):
            raise damaged_file(file, "It holds no JSON object")
        return content

    def _shards(self) -> list[Path]:
        if (self.path / INDEX).is_file():
            weights = self._read_json(INDEX).get("weight_map")
            if not isinstance(weights, dict) or not weights:
                raise damaged_file(self.path / INDEX, "Its weight_map names no file")
            names = sorted(set(weights.values()))
            missing = [name for name in names if not (self.path / name).is_file()]
            if missing:
                raise MissingError(
                    "A part of the model is missing",
                    f"{self.path} lacks {', '.join(missing)} ({len(missing)} of {len(names)} files).",
                    "Copy the missing files into the directory; their names are in " + INDEX + ".",
                )
            return [self.path / name for name in names]
        if (self.path / SINGLE).is_file():
            return [self.path / SINGLE]
        pickled = [file.name for file in self.path.glob("*.bin")] + [
            file.name for file in self.path.glob("*.pt")
        ]
        found = f"only {', '.join(pickled)}, which Temper does not open" if pickled else "none"
        raise MissingError(
            "The model has no safetensors weights",
            f"{self.path}: {SINGLE} or {INDEX} is needed; found {found}.",
            "Get the safetensors version: pickled weights can run code when they are opened.",
        )


def tensor_shapes(shard: Path) -> dict[str, list[int]]:
    """Shapes by name of the tensors in a safetensors file, read off its header: 8 bytes of length, then JSON.

    The format of github.com/huggingface/safetensors; reading it here costs no import of torch. Raises
    UsageError when the file is shorter than its header says.
    """
    size = shard.stat().st_size
    try:
        with shard.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if length < size else None
        entries = {name: entry for name, entry in (header or {}).items() if name != "__metadata__"}
        whole = 8 + length + max((entry["data_offsets"][1] for entry in entries.values()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged_shard(shard, str(error)) from error
    if header is None or size != whole:
        raise damaged_shard(shard, f"It has {size:,} bytes, its header speaks of {whole:,}")
    return {name: entry["shape"] for name, entry in entries.items()}


def damaged_file(file: Path, reason: str) -> UsageError:
    """What a user is told of a small file that cannot be read."""
    return UsageError("A model file is damaged", f"{file}: {reason}.", "Copy the model again.")


def damaged_shard(shard: Path, reason: str) -> UsageError:
    """What a user is told of weights that cannot be read."""
    return UsageError("A weights file is damaged", f"{shard}: {reason}.", "Copy the model again.")
