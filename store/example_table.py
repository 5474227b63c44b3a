"""Examples as a Parquet file, written and read a batch at a time.

One schema for all kinds of dataset, so that SQL over any of them names the same columns. Knows nothing of
versions (store.datasets) or of where rows come from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from store.errors import TemperError
from store.records.data import Example

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 4096


def schema() -> pa.Schema:
    """The columns of a row file: the fields of `Example`, turns as lists of structs."""
    import pyarrow as pa

    text = pa.string()
    call = pa.struct([("name", text), ("arguments", text), ("id", text)])
    turn = pa.struct(
        [
            ("role", text),
            ("content", text),
            ("tool_calls", pa.list_(call)),
            ("tool_call_id", text),
            ("name", text),
            ("weight", pa.int8()),
        ]
    )
    return pa.schema(
        [
            ("row", text),
            ("line", pa.int64()),
            ("split", text),
            ("messages", pa.list_(turn)),
            ("tools", text),
            ("rejected", pa.list_(turn)),
            ("prompt_turns", pa.int32()),
            ("label", pa.bool_()),
            ("text", text),
            ("metadata", pa.map_(text, text)),
        ]
    )


def read(path: Path) -> Iterator[Example]:
    """The rows of one file. Raises TemperError when it is damaged."""
    for batch in read_batches(path):
        yield from batch


def read_batches(
    path: Path, size: int = BATCH, groups: Sequence[int] | None = None
) -> Iterator[list[Example]]:
    """The rows of one file, `size` at a time; of its row groups `groups` alone where these are named.

    Raises TemperError when it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(size, row_groups=groups):
                rows = batch.to_pylist(maps_as_pydicts="strict")
                yield msgspec.convert(rows, list[Example])
    except (OSError, pa.ArrowException, msgspec.ValidationError) as error:
        raise damaged(path, error) from error


def group_sizes(path: Path) -> list[int]:
    """How many rows each row group of a file has: parts that several processes can read apart.

    Raises TemperError when it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            return [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)]
    except (OSError, pa.ArrowException) as error:
        raise damaged(path, error) from error


class Writer:
    """Appends examples to a Parquet file, a batch at a time. Close it before the file is read."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        self._schema = schema()
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._batch: list[dict[str, Any]] = []

    def add(self, example: Example) -> None:
        """Append one row."""
        self._batch.append(_columns(example))
        if len(self._batch) >= BATCH:
            self._flush()

    def close(self) -> None:
        """Write what is left and finish the file."""
        self._flush()
        self._writer.close()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._batch:
            self._writer.write_table(pa.Table.from_pylist(self._batch, schema=self._schema))
            self._batch = []


def damaged(path: Path, error: Exception) -> TemperError:
    """What a user is told of a version whose files cannot be read."""
    return TemperError(
        "A dataset version is damaged",
        f"{path}: {error}",
        f"Remove {path.parent} and import the source again: it is derived from it.",
    )


def _columns(example: Example) -> dict[str, Any]:
    return msgspec.structs.asdict(example) | {
        "messages": [_turn(message) for message in example.messages],
        "rejected": [_turn(message) for message in example.rejected],
    }


def _turn(message: msgspec.Struct) -> dict[str, Any]:
    turn = msgspec.structs.asdict(message)
    turn["tool_calls"] = [msgspec.structs.asdict(call) for call in turn["tool_calls"]]
    return turn
