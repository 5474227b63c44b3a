"""Documents as a Parquet file: the texts that chunks are spans of, and what is known about them.

Knows nothing of how files become documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from store.records.knowledge import DocumentRecord

FILE = "documents.parquet"

_NAMES = [field.name for field in msgspec.structs.fields(DocumentRecord)]
_JSON = {"tags": list[str], "meta": dict[str, str]}
"""Columns that are kept as JSON, and what they hold."""


def write(folder: Path, documents: Sequence[DocumentRecord]) -> None:
    """Write `documents` into `folder`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [pa.array([_out(name, document) for document in documents], pa.string()) for name in _NAMES]
    pq.write_table(pa.table(columns, names=_NAMES), folder / FILE, compression="zstd")


def read(folder: Path) -> list[DocumentRecord]:
    """The documents of `folder`; none where it holds no such file. Raises as `chunk_table.read_chunks`."""
    import pyarrow.parquet as pq

    if not (folder / FILE).exists():
        return []
    table = pq.read_table(folder / FILE)
    rows = zip(*(_in(name, table.column(name).to_pylist()) for name in _NAMES), strict=True)
    return [DocumentRecord(*row) for row in rows]


def _out(name: str, document: DocumentRecord) -> str:
    value = getattr(document, name)
    return msgspec.json.encode(value).decode() if name in _JSON else value


def _in(name: str, values: list[str]) -> list[object]:
    kind = _JSON.get(name)
    return [msgspec.json.decode(value, type=kind) for value in values] if kind else list(values)
