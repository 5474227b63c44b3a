"""Safetensors files in row blocks: read without being mapped, written in order after a planned header.

Only one block is in memory at a time, whatever the size of a tensor or file. The format is that of
github.com/huggingface/safetensors: 8 bytes of length, a JSON header, the tensors without gaps. Knows nothing
of models or adapters.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import msgspec
import torch

from engine.export.closing import Closing
from engine.models.directory import damaged_shard
from store.errors import MissingError

FLOATS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
"""The number types that are calculated with, by the name they have in a header. Others are only copied."""
BLOCK_BYTES = 4 << 20
"""Most bytes of a block in float32, the type that is calculated in: small enough to stay in the cache."""
_ITEM_BYTES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2}
_ITEM_BYTES |= {"U16": 2, "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1}
_ROW_UNIT = 64  # blocks begin at multiples of it where they have so many rows
_FEWEST_ROWS = 16  # a single row is multiplied by another routine, whose last bits differ from the whole's
_ALIGNMENT = 8  # of the header's end, which the format's own writer keeps too
_METADATA = "__metadata__"


class TensorSpec(NamedTuple):
    """A tensor as a header describes it: `dtype` is the header's word, `bytes` its size in the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int

    @property
    def width(self) -> int:
        """Numbers in a row: the last dimension of matrices and above, 1 for a vector."""
        return self.shape[-1] if len(self.shape) > 1 else 1

    @property
    def rows(self) -> int:
        """Rows of `width` numbers, the leading dimensions taken together."""
        return math.prod(self.shape[:-1] if len(self.shape) > 1 else self.shape)

    def reshaped(self, shape: Sequence[int]) -> TensorSpec:
        """The same tensor in another shape."""
        return TensorSpec(self.name, self.dtype, tuple(shape), math.prod(shape) * _ITEM_BYTES[self.dtype])


def row_blocks(rows: int, width: int) -> Iterator[tuple[int, int]]:
    """Start and stop of blocks of about BLOCK_BYTES in float32, of _FEWEST_ROWS at least where there are."""
    step = BLOCK_BYTES // (torch.float32.itemsize * max(1, width))
    step = max(step // _ROW_UNIT * _ROW_UNIT or step, _FEWEST_ROWS)
    start = 0
    while start < rows:
        stop = start + step if rows - start - step >= _FEWEST_ROWS else rows
        yield start, stop
        start = stop


class TensorReader(Closing):
    """One safetensors file. `specs` by name in the file's order, `metadata` as its writer left it.

    Raises MissingError when it is not there, UsageError when header and file do not fit.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb", buffering=0)
        except FileNotFoundError as error:
            raise MissingError(
                "A weights file is missing", f"{path} is not there.", "Copy it there again."
            ) from error
        try:
            self.specs, self.metadata, self._begins = self._read_header()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def rows(self, name: str, start: int, stop: int) -> torch.Tensor:
        """Rows `start` to `stop` of a tensor, [stop - start, width] or [stop - start] of a vector.

        In memory of their own. Tensors of a type that is none of FLOATS come as the bytes of their rows.
        """
        spec = self.specs[name]
        row_bytes = spec.bytes // max(1, spec.rows)
        data = torch.empty((stop - start) * row_bytes, dtype=torch.uint8)
        self._fill(data, self._begins[name] + start * row_bytes)
        if spec.dtype not in FLOATS:
            return data
        numbers = data.view(FLOATS[spec.dtype])
        return numbers.view(-1, spec.width) if len(spec.shape) > 1 else numbers

    def whole(self, name: str) -> torch.Tensor:
        """All of a tensor, in its own shape; for small ones of FLOATS."""
        spec = self.specs[name]
        return self.rows(name, 0, spec.rows).view(spec.shape)

    def _fill(self, data: torch.Tensor, offset: int) -> None:
        room = data.numpy().data
        while room:
            count = os.preadv(self._file.fileno(), [room], offset)
            if count == 0:
                raise damaged_shard(self.path, "It ends before its last tensor")
            room, offset = room[count:], offset + count

    def _read_header(self) -> tuple[dict[str, TensorSpec], dict[str, str], dict[str, int]]:
        size = os.fstat(self._file.fileno()).st_size
        try:
            length = int.from_bytes(self._file.read(8), "little")
            header: dict[str, Any] = json.loads(self._file.read(length)) if length < size else {}
            metadata = header.pop(_METADATA, {})
            found = sorted((tuple(entry["data_offsets"]), name, entry) for name, entry in header.items())
            specs = {
                name: TensorSpec(name, entry["dtype"], tuple(entry["shape"]), end - begin)
                for (begin, end), name, entry in found
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise damaged_shard(self.path, str(error)) from error
        begin, begins = 8 + length, dict[str, int]()
        for name, spec in specs.items():
            wanted = math.prod(spec.shape) * _ITEM_BYTES.get(spec.dtype, 0)
            if (found[len(begins)][0][0] + 8 + length, spec.bytes) != (begin, wanted):
                raise damaged_shard(
                    self.path, f"{name} is {spec.dtype} {list(spec.shape)} but has {spec.bytes:,} bytes"
                )
            begins[name], begin = begin, begin + spec.bytes
        if begin != size or not specs:
            raise damaged_shard(self.path, f"It has {size:,} bytes, its header speaks of {begin:,}")
        return specs, metadata, begins


def same_numbers(reader: TensorReader, name: str, other: TensorReader, other_name: str) -> bool:
    """Whether two tensors are equal in type, shape and every number."""
    one, two = reader.specs[name], other.specs[other_name]
    if (one.dtype, one.shape) != (two.dtype, two.shape):
        return False
    return all(
        torch.equal(reader.rows(name, start, stop), other.rows(other_name, start, stop))
        for start, stop in row_blocks(one.rows, one.width)
    )


class Begun(msgspec.Struct):
    """What of an unfinished file is on the disk: so many whole tensors, so many bytes, their sha256."""

    tensors: int
    bytes: int
    sha256: str


class TensorWriter:
    """A safetensors file whose header is known first and whose tensors then come in that order, in blocks.

    Whole at the end of a `with` that does not raise. `bytes` is its size then, `written` what of it is there,
    `sha256` that of its content once it is closed. With `begun` it goes on with a file that was cut off, if
    that is what was noted of it; `tensors` says how many are there.
    """

    def __init__(
        self,
        path: Path,
        specs: Sequence[TensorSpec],
        metadata: dict[str, str],
        begun: Begun | None = None,
    ) -> None:
        header: dict[str, Any] = {_METADATA: metadata} if metadata else {}
        end = 0
        for spec in specs:
            offsets = [end, end + spec.bytes]
            header[spec.name] = {"dtype": spec.dtype, "shape": list(spec.shape), "data_offsets": offsets}
            end += spec.bytes
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % _ALIGNMENT)
        self.bytes = 8 + len(text) + end
        self.sha256 = ""
        self._hash = hashlib.sha256()
        self.written = self.tensors = 0
        self._file = path.open("r+b" if begun and path.is_file() else "w+b", buffering=0)
        try:
            if begun is None or not self._take_up(begun):
                self._put(len(text).to_bytes(8, "little") + text)
        except BaseException:
            self._file.close()
            raise

    def _take_up(self, begun: Begun) -> bool:
        """Whether the file holds what was noted; it then ends there, else it is empty."""
        left = begun.bytes
        while left and (data := self._file.read(min(left, BLOCK_BYTES))):
            self._hash.update(data)
            left -= len(data)
        right = not left and self._hash.hexdigest() == begun.sha256
        if right:
            self.written, self.tensors = begun.bytes, begun.tensors
        else:
            self._hash = hashlib.sha256()
        self._file.seek(self.written)
        self._file.truncate()
        return right

    def note(self, tensors: int) -> Begun:
        """Bring to the disk what is written, which is so many whole tensors, and say what it is."""
        os.fsync(self._file.fileno())
        return Begun(tensors, self.written, self._hash.copy().hexdigest())

    def __enter__(self) -> TensorWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._file.close()

    def write(self, block: torch.Tensor) -> None:
        """The next rows, of the tensor that is not whole yet or of the one after it."""
        self._put(block.contiguous().reshape(-1).view(torch.uint8).numpy().data)

    def _put(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        room = memoryview(data)
        while room:
            count = self._file.write(room)
            self.written += count
            room = room[count:]

    def close(self) -> None:
        """Bring all to the disk. Raises ValueError when tensors are missing or too many."""
        with self._file:
            if self.written != self.bytes:
                raise ValueError(f"{self.written:,} of {self.bytes:,} bytes were written")
            os.fsync(self._file.fileno())
        self.sha256 = self._hash.hexdigest()
