"""Examples as a Parquet file, written and read a batch at a time.

One schema for all kinds of dataset (store.example_columns), so that SQL over any of them names the same
columns. Knows nothing of versions (store.datasets) or of where rows come from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import msgspec

from store.errors import TemperError
from store.example_columns import from_batch, schema, to_table
from store.records.data import Example

BATCH = 4096
BATCH_LETTERS = 1 << 24  # so that a row group of long documents fits in memory, too


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
            # Group by group, for a batch across several would not be bounded by BATCH_LETTERS.
            for group in range(file.num_row_groups) if groups is None else groups:
                for batch in file.iter_batches(size, row_groups=[group]):
                    yield from_batch(batch)
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

        self._writer = pq.ParquetWriter(path, schema(), compression="zstd")
        self._batch: list[Example] = []
        self._letters = 0

    def add(self, example: Example) -> None:
        """Append one row."""
        self._batch.append(example)
        self._letters += _letters(example)
        if len(self._batch) >= BATCH or self._letters >= BATCH_LETTERS:
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
        if self._batch:
            self._writer.write_table(to_table(self._batch))
            self._batch, self._letters = [], 0


def write_divided(source: Path, target: Path, heldout: Collection[int]) -> None:
    """Copy a row file with the rows whose indices are in `heldout` in that split, all others in train."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    splits = pa.array(["train", "heldout"])
    first = 0
    with pq.ParquetFile(source) as file, pq.ParquetWriter(target, schema(), compression="zstd") as writer:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            held = [index in heldout for index in range(first, first + table.num_rows)]
            column = splits.take(pa.array(held).cast(pa.int8()))
            writer.write_table(table.set_column(table.schema.get_field_index("split"), "split", column))
            first += table.num_rows


def read_splits(path: Path) -> Iterator[tuple[str, str]]:
    """Id and split of each row, without reading the rest. Raises TemperError when the file is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=["row", "split"]):
                yield from zip(batch["row"].to_pylist(), batch["split"].to_pylist(), strict=True)
    except (OSError, pa.ArrowException) as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> TemperError:
    """What a user is told of a version whose files cannot be read."""
    return TemperError(
        "A dataset version is damaged",
        f"{path}: {error}",
        f"Remove {path.parent} and import the source again: it is derived from it.",
    )


def _letters(example: Example) -> int:
    """About how long a row is."""
    turns = [*example.messages, *example.rejected]
    return len(example.text) + len(example.tools) + sum(len(turn.content) for turn in turns)
