"""A GGUF file as a layout: its metadata as they stand, and type, shape and place of every tensor.

The format is that of ggml's docs/gguf.md, version 3, little-endian, tensors aligned to 32 bytes (the default,
which the converter keeps). Metadata are carried over byte by byte; numbers of tensors are never read here.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ALIGNMENT = 32
F32, F16, BF16 = 0, 1, 30  # ggml.h: the types that are not made of blocks
_MAGIC, _VERSION = b"GGUF", 3
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9
_ALIGNMENT_KEY = b"general.alignment"


Metadata = dict[bytes, bytes]


class Slot(NamedTuple):
    """A tensor: `type` is ggml's number, `shape` has the length of a row first, as ggml counts.

    `begin`: where its bytes begin, from the start of all tensors' bytes.
    """

    name: str
    type: int
    shape: tuple[int, ...]
    begin: int

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return self.shape[0]

    @property
    def rows(self) -> int:
        """Rows of a matrix; 1 of a vector."""
        return self.shape[1] if len(self.shape) > 1 else 1


class Layout(NamedTuple):
    """`metadata` has the bytes of type and value by key, `data` is where the tensors' bytes begin."""

    metadata: Metadata
    slots: list[Slot]
    data: int


def read_layout(path: Path) -> Layout:
    """The layout of a GGUF file. Raises ValueError where it is another format than the module speaks of."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as room:
        magic, version, tensors, pairs = struct.unpack_from("<4sIQQ", room)
        if (magic, version) != (_MAGIC, _VERSION):
            raise ValueError(f"{path} is {magic!r} version {version}")
        at, metadata, slots = 24, Metadata(), list[Slot]()
        for _ in range(pairs):
            key, begin = _text(room, at)
            at = _behind_value(room, begin + 4, _number(room, begin))
            metadata[key] = room[begin:at]
        if _ALIGNMENT_KEY in metadata:
            raise ValueError(f"{path} has an alignment of its own")
        for _ in range(tensors):
            slot, at = _slot(room, at)
            slots.append(slot)
    return Layout(metadata, slots, aligned(at))


def header(metadata: Metadata, slots: Iterable[Slot]) -> bytes:
    """All that stands before the tensors' bytes, which begin behind it."""
    listed = list(slots)
    parts = [struct.pack("<4sIQQ", _MAGIC, _VERSION, len(listed), len(metadata))]
    for key, value in metadata.items():
        parts += [struct.pack("<Q", len(key)), key, value]
    for slot in listed:
        name = slot.name.encode()
        numbers = (len(slot.shape), *slot.shape, slot.type, slot.begin)
        parts.append(struct.pack("<Q", len(name)) + name)
        parts.append(struct.pack(f"<I{len(slot.shape)}QIQ", *numbers))
    text = b"".join(parts)
    return text + bytes(aligned(len(text)) - len(text))


def aligned(offset: int) -> int:
    """The next place at which a tensor may begin."""
    return -(-offset // ALIGNMENT) * ALIGNMENT


def _number(room: mmap.mmap, at: int, code: str = "I") -> int:
    return int(struct.unpack_from(f"<{code}", room, at)[0])


def _text(room: mmap.mmap, at: int) -> tuple[bytes, int]:
    end = at + 8 + _number(room, at, "Q")
    return room[at + 8 : end], end


def _behind_value(room: mmap.mmap, at: int, kind: int) -> int:
    if kind == _STRING:
        return at + 8 + _number(room, at, "Q")
    if kind != _ARRAY:
        return at + _SIZES[kind]
    inner, count, at = _number(room, at), _number(room, at + 4, "Q"), at + 12
    if inner in _SIZES:
        return at + count * _SIZES[inner]
    for _ in range(count):
        at = _behind_value(room, at, inner)
    return at


def _slot(room: mmap.mmap, at: int) -> tuple[Slot, int]:
    name, at = _text(room, at)
    count = _number(room, at)
    *shape, kind, begin = struct.unpack_from(f"<{count}QIQ", room, at + 4)
    return Slot(name.decode(), kind, tuple(shape), begin), at + 4 + count * 8 + 12
