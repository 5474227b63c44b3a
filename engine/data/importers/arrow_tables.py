"""Parquet and Arrow files as records, a batch in memory at a time.

Values become what JSON has: dates, times, decimals and the like their text, a map an object, NaN null. Bytes
are text where they are UTF-8, else null: no shape can use them. A row that cannot be read costs itself; a
file that breaks off is refused. `line` is the row's number. Only pyarrow is used, never the datasets library.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.data.importers import Dropped, Record
from engine.data.importers.formats import ARROW_FILE, ARROW_STREAM
from store.errors import TemperError

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 2048
BATCH_BYTES = 8 << 20
_BUFFER = 1 << 20
_END_OF_STREAM = ARROW_STREAM + bytes(4)

At = Callable[[int], None]
"""Told how many bytes are done."""


def read_parquet(path: Path, at: At) -> Iterator[Record | Dropped]:
    """The rows of a Parquet file. Raises TemperError where it is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    size = path.stat().st_size
    try:
        # A buffered reader takes a column's pages as they are needed; else a row group is read whole.
        with pq.ParquetFile(
            path, buffer_size=_BUFFER, pre_buffer=False, page_checksum_verification=True
        ) as file:
            _check_columns(file.schema_arrow, path)
            done, rows = 0, max(file.metadata.num_rows, 1)
            for batch in file.iter_batches(_batch_rows(file.metadata)):
                yield from _records(batch, done + 1)
                done += batch.num_rows
                at(size * done // rows)
            if done != file.metadata.num_rows:
                raise _damaged(path, f"{done} of {file.metadata.num_rows} rows are there")
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise _damaged(path, error) from error


def read_arrow(path: Path, at: At) -> Iterator[Record | Dropped]:
    """The rows of an Arrow IPC file or stream. Raises TemperError where it is damaged or breaks off."""
    import pyarrow as pa

    try:
        with pa.OSFile(str(path)) as source:
            is_file = source.read(len(ARROW_FILE)) == ARROW_FILE
            source.seek(0)
            with pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source) as reader:
                _check_columns(reader.schema, path)
                batches = (
                    (reader.get_batch(index) for index in range(reader.num_record_batches))
                    if is_file
                    else iter(reader)
                )
                done = 0
                for batch in batches:
                    for start in range(0, batch.num_rows, BATCH_ROWS):
                        yield from _records(batch.slice(start, BATCH_ROWS), done + start + 1)
                    done += batch.num_rows
                    at(source.tell())
        if not is_file and not _ends_well(path):
            raise _damaged(path, "it breaks off: the mark at the end of a stream is not there")
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise _damaged(path, error) from error


def _ends_well(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - len(_END_OF_STREAM), 0))
        return file.read() == _END_OF_STREAM


def _batch_rows(metadata: Any) -> int:
    """How many rows are read at once, so that a batch of long ones stays small."""
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    longest = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=0)
    return max(min(int(BATCH_BYTES / max(longest, 1)), BATCH_ROWS), 1)


def _check_columns(schema: pa.Schema, path: Path) -> None:
    twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if twice:
        raise TemperError(
            "Two columns have the same name",
            f"{path}: {', '.join(map(repr, twice))} stands more than once.",
            "Rename one of them in the file.",
        )


def _records(batch: pa.RecordBatch, first: int) -> Iterator[Record | Dropped]:
    """The rows of one batch; where one of them cannot be read, each is tried alone."""
    try:
        rows = _rows(batch)
    except Exception:  # whatever a damaged value makes Arrow or Python raise: the row is named below
        for index in range(batch.num_rows):
            try:
                rows = _rows(batch.slice(index, 1))
            except Exception as error:
                yield Dropped(first + index, f"cannot be read: {_one_line(error)}")
            else:
                yield Record(first + index, rows[0])
        return
    for number, row in enumerate(rows, start=first):
        yield Record(number, row)


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """The rows of a batch as JSON would hold them. Raises what Arrow and Python raise on damaged values."""
    # Without this, offsets that a damaged or hostile file holds would be followed into foreign memory.
    batch.validate(full=True)
    columns = [_values(column) for column in batch.columns]
    names = batch.schema.names
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _values(column: pa.Array) -> list[Any]:
    import pyarrow as pa

    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    plain = _plain(column.type)
    if plain != column.type:
        column = column.cast(plain)
    values: list[Any] = column.to_pylist(maps_as_pydicts="strict")
    return values if _is_json(plain) else [_cleaned(value) for value in values]


def _plain(type_: pa.DataType) -> pa.DataType:
    """The type to cast to before Python sees values: text for what Python or JSON cannot hold exactly."""
    import pyarrow as pa

    if pa.types.is_dictionary(type_):
        return _plain(type_.value_type)
    if pa.types.is_temporal(type_) and not pa.types.is_interval(type_):
        return pa.int64() if pa.types.is_duration(type_) else pa.string()
    if pa.types.is_decimal(type_):
        return pa.string()
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        inner = type_.value_field
        made = pa.list_ if pa.types.is_list(type_) else pa.large_list
        return made(inner.with_type(_plain(inner.type)))
    if pa.types.is_struct(type_):
        return pa.struct([field.with_type(_plain(field.type)) for field in type_])
    return type_


def _is_json(type_: pa.DataType) -> bool:
    """Whether all values of a type are, as Python objects, what a JSON decoder gives."""
    import pyarrow as pa

    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return _is_json(type_.value_type)
    if pa.types.is_struct(type_):
        return all(_is_json(field.type) for field in type_)
    known = (pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_boolean)
    return any(test(type_) for test in (*known, pa.types.is_null))


def _cleaned(value: Any) -> Any:
    """A value as JSON has it."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, dict):
        return {str(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None
    return str(value)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _damaged(path: Path, error: BaseException | str) -> TemperError:
    what = error if isinstance(error, str) else _one_line(error)
    return TemperError(
        "The file is damaged", f"{path}: {what}.", "Copy or download it again. Nothing was imported."
    )
