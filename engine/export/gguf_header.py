"""The header of a GGUF file: what it says of itself, and the type and shape of every tensor.

The format is that of ggml's docs/gguf.md, versions 2 and 3, little-endian. Reads no numbers of a model.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from store.errors import MissingError, UsageError

MAGIC = b"GGUF"

TYPES = {
    0: "f32",
    1: "f16",
    2: "q4_0",
    3: "q4_1",
    6: "q5_0",
    7: "q5_1",
    8: "q8_0",
    10: "q2_k",
    11: "q3_k",
    12: "q4_k",
    13: "q5_k",
    14: "q6_k",
    16: "iq2_xxs",
    17: "iq2_xs",
    18: "iq3_xxs",
    19: "iq1_s",
    20: "iq4_nl",
    21: "iq3_s",
    22: "iq2_s",
    23: "iq4_xs",
    29: "iq1_m",
    30: "bf16",
}
"""ggml.h's tensor types by number, those that a model's weights come in."""
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9


class TensorInfo(NamedTuple):
    """A tensor: `shape` with the length of a row first, as ggml counts."""

    name: str
    type: str
    shape: tuple[int, ...]


class Header(msgspec.Struct):
    """`metadata` by key; arrays as lists."""

    metadata: dict[str, Any]
    tensors: list[TensorInfo]


def read_header(path: Path) -> Header:
    """The header of a GGUF file. Raises MissingError when it is not there, UsageError when it is none."""
    if not path.is_file():
        raise MissingError("The model file is not there", f"{path} is no file.", "Check the path.")
    with path.open("rb") as file:
        try:
            magic, version, tensors, pairs = struct.unpack("<4sIQQ", file.read(24))
            if magic != MAGIC or version not in (2, 3):
                raise ValueError(f"{magic!r}, version {version}")
            metadata = {_string(file): _value(file, _number(file, "I")) for _ in range(pairs)}
            return Header(metadata, [_tensor(file) for _ in range(tensors)])
        except (struct.error, ValueError, KeyError) as error:
            raise UsageError(
                "This is not a GGUF file, or a damaged one", f"{path}: {error}.", "Make it again."
            ) from error


def _number(file: BinaryIO, code: str) -> Any:
    return struct.unpack(f"<{code}", _read(file, struct.calcsize(f"<{code}")))[0]


def _read(file: BinaryIO, size: int) -> bytes:
    """Exactly so many bytes: a damaged file may ask for more than there are."""
    if size > os.fstat(file.fileno()).st_size:
        raise ValueError(f"a length of {size:,}")
    return file.read(size)


def _string(file: BinaryIO) -> str:
    return _read(file, _number(file, "Q")).decode("utf-8", errors="replace")


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _string(file)
    if kind != _ARRAY:
        return _number(file, _NUMBERS[kind])
    inner, count = _number(file, "I"), _number(file, "Q")
    if inner in (_STRING, _ARRAY):
        return [_value(file, inner) for _ in range(count)]
    code = f"<{count}{_NUMBERS[inner]}"
    return list(struct.unpack(code, _read(file, struct.calcsize(code))))


def _tensor(file: BinaryIO) -> TensorInfo:
    name = _string(file)
    shape = tuple(_number(file, "Q") for _ in range(_number(file, "I")))
    kind, _ = _number(file, "I"), _number(file, "Q")
    return TensorInfo(name, TYPES.get(kind, f"type {kind}"), shape)
