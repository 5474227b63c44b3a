"""From a source to a dataset version: read, shape, split, store, with a report in which no row is missing.

Streams: a batch of rows is in memory at a time. Knows nothing of how progress is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from engine.data.conversations import grouped
from engine.data.draft import Draft, Drops
from engine.data.importers import Dropped, Record
from engine.data.mapping import check_options
from engine.data.shapes import Shape, choose_shape, examples_of, is_row
from engine.data.source import Progress, Source
from store import clock, datasets
from store.errors import RefusedError, TemperError
from store.paths import WorkspacePaths
from store.records.data import DatasetInfo, Example, ImportOptions, SplitBy

SAMPLE_RECORDS = 100
SAMPLE_READ = 10_000  # records and drops among them: the sample is in memory
SAMPLE_LETTERS = 1 << 24


class Imported(msgspec.Struct):
    """What an import or split gave. `new` is False when an equal version was there already.

    `notes` are sentences about what was decided without asking.
    """

    info: DatasetInfo
    new: bool
    notes: list[str] = []


def quiet(done: int, total: int) -> None:
    """The progress callback of those who do not ask."""


def import_dataset(
    paths: WorkspacePaths,
    path: Path,
    name: str,
    options: ImportOptions,
    *,
    strict: bool = False,
    progress: Progress = quiet,
) -> Imported:
    """Import the file or folder `path` as the next version of dataset `name`, or find an equal version.

    Raises UsageError for options or columns that do not fit, MissingError without the file, TemperError when
    it is damaged or holds no usable row, RefusedError with `strict` when a row would be dropped.
    """
    datasets.check_name(name)
    check_options(options)
    source = Source(path, options.encoding, options.format)
    sha256 = source.sha256()
    with datasets.editing(paths, name):
        for version in datasets.versions(paths, name):
            info = datasets.load_info(paths, name, version)
            if not info.parent and (info.source_sha256, info.options) == (sha256, options):
                _refuse_drops(strict, info.dropped, info.dropped_rows or len(info.dropped))
                return Imported(info, new=False, notes=_notes(source, options))

        notes = _notes(source, options)

        def write(folder: Path, version: int) -> DatasetInfo:
            with Draft(folder, options) as draft:
                shape = _fill(draft, source, options, progress)
                _refuse_drops(strict, draft.drops.first, draft.drops.rows)
                where = _shown(path, paths.root)
                info = draft.finish(_info(name, version, shape, where, sha256, draft))
                notes.extend(draft.notes)
                return info

        info = datasets.publish(paths, name, write)
        return Imported(info, new=True, notes=notes)


def _info(name: str, version: int, shape: Shape, source: str, sha256: str, draft: Draft) -> DatasetInfo:
    """The record of an import, as far as it is known before rows are held out."""
    return DatasetInfo(
        name=name,
        version=version,
        kind=shape.kind,
        source=source,
        source_sha256=sha256,
        sha256="",
        created=clock.stamp(),
        rows_in=draft.rows + draft.drops.rows,
        rows_kept=draft.rows,
        dropped=draft.drops.first,
        dropped_rows=draft.drops.rows,
        shape=shape.name,
        options=draft.options,
    )


def split_dataset(
    paths: WorkspacePaths,
    reference: str,
    heldout: float,
    seed: int = 0,
    stratify: bool | None = None,
    by: SplitBy = "",
) -> Imported:
    """Divide a version's rows anew, as the next version. Raises UsageError for unknown references, and where
    rows lack what `by` needs.
    """
    asked = datasets.parse_reference(reference)
    with datasets.editing(paths, asked.name):
        parent = datasets.load_info(paths, asked.name, asked.version)
        options = msgspec.structs.replace(
            parent.options, heldout=heldout, seed=seed, stratify=stratify, split_by=by
        )
        check_options(options)
        identity = f"{parent.name}@{parent.version}"
        for version in datasets.versions(paths, asked.name):
            info = datasets.load_info(paths, asked.name, version)
            if info.options == options and (info.parent == identity or info.version == parent.version):
                return Imported(info, new=False)

        notes: list[str] = []

        def write(folder: Path, version: int) -> DatasetInfo:
            with Draft(folder, options) as draft:
                draft.copy(datasets.iterate_rows(paths, f"{identity}/all"))
                draft.copy_drops(datasets.version_folder(paths, parent.name, parent.version))
                info = msgspec.structs.replace(
                    parent, version=version, parent=identity, options=options, edits=[], created=clock.stamp()
                )
                info = draft.finish(info)
                notes.extend(draft.notes)
                return info

        return Imported(datasets.publish(paths, asked.name, write), new=True, notes=notes)


def _fill(draft: Draft, source: Source, options: ImportOptions, progress: Progress) -> Shape:
    """Write all rows of a source; returns their shape. Raises TemperError when there is none."""
    shape, records = _recognise(source, options, draft.drops, progress)
    draft.fill(_examples(records, shape, options))
    if not draft.rows:
        raise _no_rows(source, draft.drops)
    return shape


def _recognise(
    source: Source, options: ImportOptions, drops: Drops, progress: Progress
) -> tuple[Shape, Iterator[Record | Dropped]]:
    """The shape of a source, by the options or by most of its first records; and all records.

    What is dropped before the first record is in `drops` already.
    """
    stream = source.records(is_row, progress)
    begun: list[Record | Dropped] = []
    sample: list[dict[str, Any]] = []
    letters = 0
    for item in stream:
        if isinstance(item, Record):
            sample.append(item.value)
            letters += _letters(item.value)
        elif not sample:
            drops.add(item)
            continue
        begun.append(item)
        if len(sample) == SAMPLE_RECORDS or len(begun) >= SAMPLE_READ or letters > SAMPLE_LETTERS:
            break
    if not sample:
        raise _no_rows(source, drops)
    return choose_shape(source.path, options, sample), chain(begun, stream)


def _letters(value: Any) -> int:
    """About how much text a JSON value holds, down to where messages have theirs."""
    inner = value.values() if isinstance(value, dict) else value
    return sum(
        len(item) if isinstance(item, str) else _letters(item) if isinstance(item, dict | list) else 1
        for item in inner
    )


def _examples(
    records: Iterator[Record | Dropped], shape: Shape, options: ImportOptions
) -> Iterator[Example | Dropped]:
    """The rows of all records, with the file and the split that a record says."""
    for record in grouped(records, options) if shape.grouped else records:
        if isinstance(record, Dropped):
            yield record
            continue
        try:
            for item in examples_of(record, shape, options):
                if isinstance(item, Dropped):
                    item.file = record.file
                elif record.split:
                    item.split = record.split
                yield item
        except RecursionError:
            yield Dropped(record.line, "nested too deeply", record.file)


def _notes(source: Source, options: ImportOptions) -> list[str]:
    if not source.held:
        return source.notes
    held = " and ".join(source.held)
    if options.heldout:
        return [*source.notes, f"divided anew, as the held-out share asks: {held} rows are not kept apart"]
    return [*source.notes, f"{held} rows are held out, as the source has it"]


def _refuse_drops(strict: bool, first: list[Dropped], rows: int) -> None:
    if strict and rows:
        raise RefusedError(
            f"{rows:,} row{'s' if rows > 1 else ''} would be dropped",
            _listed(first, rows),
            "Mend these rows, or import without --strict. Nothing was imported.",
        )


def _no_rows(source: Source, drops: Drops) -> TemperError:
    if not drops.rows:
        return TemperError(
            "Nothing to import", f"{source.path} holds no rows.", "Check that this is the right source."
        )
    remedy = "If it is the wrong kind of row, say the shape with --shape or the columns with --map."
    if all(row.reason.startswith("not UTF-8") for row in drops.first):
        remedy = "Say its encoding, often: --encoding cp1252. Or save it again as UTF-8."
    return TemperError(
        "No row can be used",
        f"None of the {drops.rows:,} rows of {source.path} can be used.\n{_listed(drops.first, drops.rows)}",
        remedy,
    )


def _listed(first: list[Dropped], rows: int, most: int = 5) -> str:
    lines = [f"{row.file + ', ' if row.file else ''}line {row.line}: {row.reason}" for row in first[:most]]
    return "\n".join(lines + ([f"and {rows - most:,} more"] if rows > most else []))


def _shown(path: Path, root: Path) -> str:
    path = path.resolve()
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
