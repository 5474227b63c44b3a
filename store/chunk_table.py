"""Chunks as a Parquet file: texts and vectors side by side, so that every index can be rebuilt from it.

Knows nothing of how chunks are made or searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from store.records.knowledge import Chunk

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

FILE = "chunks.parquet"

_FIELDS = msgspec.structs.fields(Chunk)


def write(folder: Path, chunks: Sequence[Chunk], vectors: npt.NDArray[np.float32]) -> None:
    """Write `chunks` and their `vectors` [chunks, dimension] into `folder`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: list[pa.Array] = [
        pa.array([getattr(chunk, field.name) for chunk in chunks], _type(field)) for field in _FIELDS
    ]
    columns.append(pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1]))
    table = pa.table(columns, names=[*(field.name for field in _FIELDS), "vector"])
    # Floats do not compress; trying costs more than it saves.
    pq.write_table(table, folder / FILE, compression={field.name: "zstd" for field in _FIELDS})


def read_chunks(folder: Path) -> list[Chunk]:
    """The chunks of `folder`, in their order. Raises OSError or ArrowException when the file is damaged.

    What a file of an earlier version lacks is empty.
    """
    import pyarrow.parquet as pq

    known = set(pq.read_schema(folder / FILE).names)
    names = [field.name for field in _FIELDS if field.name in known or field.required]
    table = pq.read_table(folder / FILE, columns=names)
    rows = zip(*(table.column(name).to_pylist() for name in names), strict=True)
    return [Chunk(**dict(zip(names, row, strict=True))) for row in rows]


def read_vectors(folder: Path, dimension: int) -> npt.NDArray[np.float32]:
    """The vectors [chunks, dimension] of `folder`, in the order of its chunks. Raises as `read_chunks`."""
    import numpy as np
    import pyarrow.parquet as pq

    column = pq.read_table(folder / FILE, columns=["vector"]).column("vector").combine_chunks()
    flat = column.flatten().to_numpy(zero_copy_only=False)
    vectors: npt.NDArray[np.float32] = np.ascontiguousarray(flat, dtype=np.float32).reshape(-1, dimension)
    return vectors


def _type(field: msgspec.structs.FieldInfo) -> pa.DataType:
    import pyarrow as pa

    return pa.int64() if field.type is int else pa.string()
