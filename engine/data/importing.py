"""From a file to a dataset version: read, shape, split, store, with a report in which no row is missing.

Streams: a batch of rows is in memory, and two hashes per row. Knows nothing of how progress is shown.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from engine.data.importers import Dropped, Record
from engine.data.mapping import check_columns, check_options, form_answer, mapped_shape
from engine.data.shapes import SHAPES, RowProblem, Shape, checked, is_row, not_yet, shape_of
from engine.data.source import Progress, Source
from engine.data.split import RowKey, answers_repeat, choose_heldout
from store import clock, datasets, example_table
from store.errors import RefusedError, TemperError, UsageError
from store.hashing import sha256_of_file
from store.paths import WorkspacePaths
from store.records.data import DatasetInfo, Example, ImportOptions, Message

SAMPLE_RECORDS = 100
ID_LETTERS = 16  # 64 bits: among a million rows two different ones share an id with probability 3e-8


class Imported(msgspec.Struct):
    """What an import or split gave. `new` is False when an equal version was there already."""

    info: DatasetInfo
    new: bool


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
    """Import the file `path` as the next version of dataset `name`, or find the version that equals it.

    Raises UsageError for options or columns that do not fit, MissingError without the file, TemperError when
    it is damaged or holds no usable row, RefusedError with `strict` when a row would be dropped.
    """
    datasets.check_name(name)
    check_options(options)
    source = Source(path, options.encoding)
    sha256 = sha256_of_file(path)
    with datasets.editing(paths, name):
        for version in datasets.versions(paths, name):
            info = datasets.load_info(paths, name, version)
            if not info.parent and (info.source_sha256, info.options) == (sha256, options):
                _refuse_drops(strict, info.dropped)
                return Imported(info, new=False)

        def write(folder: Path, version: int) -> DatasetInfo:
            draft = _Draft(folder)
            shape = draft.fill(source, options, progress)
            _refuse_drops(strict, draft.dropped)
            info = DatasetInfo(
                name=name,
                version=version,
                kind=shape.kind,
                source=_shown(path, paths.root),
                source_sha256=sha256,
                sha256="",
                created=clock.stamp(),
                rows_in=len(draft.keys) + len(draft.dropped),
                rows_kept=len(draft.keys),
                dropped=draft.dropped,
                shape=shape.name,
                options=options,
            )
            return draft.finish(info)

        return Imported(datasets.publish(paths, name, write), new=True)


def split_dataset(
    paths: WorkspacePaths, reference: str, heldout: float, seed: int = 0, stratify: bool | None = None
) -> Imported:
    """Divide a version's rows anew, as the next version. Raises UsageError for unknown references."""
    asked = datasets.parse_reference(reference)
    with datasets.editing(paths, asked.name):
        parent = datasets.load_info(paths, asked.name, asked.version)
        options = msgspec.structs.replace(parent.options, heldout=heldout, seed=seed, stratify=stratify)
        check_options(options)
        identity = f"{parent.name}@{parent.version}"
        for version in datasets.versions(paths, asked.name):
            info = datasets.load_info(paths, asked.name, version)
            if info.options == options and (info.parent == identity or info.version == parent.version):
                return Imported(info, new=False)

        def write(folder: Path, version: int) -> DatasetInfo:
            draft = _Draft(folder)
            draft.copy(datasets.iterate_rows(paths, f"{identity}/all"))
            info = msgspec.structs.replace(
                parent, version=version, parent=identity, options=options, created=clock.stamp()
            )
            return draft.finish(info)

        return Imported(datasets.publish(paths, asked.name, write), new=True)


class _Draft:
    """A version in the making: all rows without a split first, for only then is known which to hold out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys: list[RowKey] = []
        self.dropped: list[Dropped] = []
        self._unsplit = folder / "unsplit.parquet"

    def fill(self, source: Source, options: ImportOptions, progress: Progress) -> Shape:
        """Write all rows of a source. Raises TemperError when there is none."""
        shape, records = _recognise(source, options, progress)
        seen: Counter[str] = Counter()
        with example_table.Writer(self._unsplit) as writer:
            for record in records:
                for turns in _rows_of(record, shape, options):
                    if isinstance(turns, Dropped):
                        self.dropped.append(turns)
                        continue
                    content = content_hash(turns)
                    seen[content] += 1
                    row = content if seen[content] == 1 else f"{content}-{seen[content]}"
                    self._add(writer, Example(row, record.line, turns))
        if not self.keys:
            raise _no_rows(source.path, self.dropped)
        return shape

    def copy(self, examples: Iterable[Example]) -> None:
        """Write rows that were imported before."""
        with example_table.Writer(self._unsplit) as writer:
            for example in examples:
                self._add(writer, example)

    def finish(self, info: DatasetInfo) -> DatasetInfo:
        """Divide the rows as `info.options` ask and write them; returns `info` with what that gave."""
        options = info.options
        stratify = answers_repeat(self.keys) if options.stratify is None else options.stratify
        heldout = choose_heldout(self.keys, options.heldout, options.seed, stratify)
        content = hashlib.sha256()
        splits: Counter[str] = Counter()
        with example_table.Writer(self.folder / datasets.ROWS) as writer:
            for index, example in enumerate(example_table.read(self._unsplit)):
                example.split = "heldout" if index in heldout else "train"
                splits[example.split] += 1
                content.update(f"{example.row}\t{example.split}\n".encode())
                writer.add(example)
        self._unsplit.unlink()
        return msgspec.structs.replace(
            info,
            sha256=content.hexdigest(),
            splits={split: splits[split] for split in ("train", "heldout") if split in splits},
            seed=options.seed if heldout else None,
            stratified=stratify and bool(heldout),
        )

    def _add(self, writer: example_table.Writer, example: Example) -> None:
        writer.add(example)
        self.keys.append(row_key(example.messages))


def content_hash(messages: Iterable[Message]) -> str:
    """A row's id: the same for the same roles and texts, whatever file they come from."""
    text = json.dumps([[message.role, message.content] for message in messages], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LETTERS]


def row_key(messages: list[Message]) -> RowKey:
    """What a row asks (case and white space apart) and what it answers, as hashes."""
    asked = "\0".join(" ".join(message.content.casefold().split()) for message in messages[:-1])
    return RowKey(_short_hash(asked), _short_hash(messages[-1].content.strip()))


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LETTERS]


def _recognise(
    source: Source, options: ImportOptions, progress: Progress
) -> tuple[Shape, Iterator[Record | Dropped]]:
    """The shape of a source, by the options or by most of its first records; and all records."""
    stream = source.records(is_row, progress)
    begun: list[Record | Dropped] = []
    sample: list[dict[str, Any]] = []
    for item in stream:
        begun.append(item)
        if isinstance(item, Record):
            sample.append(item.value)
            if len(sample) == SAMPLE_RECORDS:
                break
    if not sample:
        raise _no_rows(source.path, [item for item in begun if isinstance(item, Dropped)])
    return _choose_shape(source.path, options, sample), chain(begun, stream)


def _choose_shape(path: Path, options: ImportOptions, sample: list[dict[str, Any]]) -> Shape:
    columns = list(dict.fromkeys(key for record in sample for key in record))
    if options.map:
        check_columns(options, columns, path.name)
        return mapped_shape(options)
    if options.shape:
        return SHAPES[options.shape]
    found = Counter(shape.name for shape in map(shape_of, sample) if shape is not None)
    if found:
        return SHAPES[found.most_common(1)[0][0]]
    if kind := next(filter(None, map(not_yet, sample)), ""):
        raise UsageError(
            "These rows cannot be imported yet", f"{path} holds {kind}.", "Import chats or columns."
        )
    guess = ([*columns, "QUESTION", "ANSWER"])[:2] if len(columns) >= 2 else ["QUESTION", "ANSWER"]
    raise UsageError(
        "Which column is what?",
        f"{path} has {', '.join(map(repr, columns)) or 'no columns'}: no known shape ({', '.join(SHAPES)}).",
        f"Name the question and the answer, for example: --map input={guess[0]} --map answer={guess[1]}",
    )


def _rows_of(
    record: Record | Dropped, shape: Shape, options: ImportOptions
) -> Iterator[list[Message] | Dropped]:
    """The rows of one record, ready to store, or why there is none."""
    if isinstance(record, Dropped):
        yield record
        return
    chosen = bool(options.map or options.shape)
    if not chosen and (kind := not_yet(record.value)):
        yield Dropped(record.line, f"is one of {kind}")
        return
    if missing := shape.missing(record.value):
        yield Dropped(record.line, f"lacks {', '.join(map(repr, missing))}, which shape {shape.name} needs")
        return
    try:
        for turns in shape.rows(record.value):
            yield _row(turns, options, record.line)
    except RowProblem as problem:
        yield Dropped(record.line, str(problem))


def _row(turns: list[Message] | RowProblem, options: ImportOptions, line: int) -> list[Message] | Dropped:
    if isinstance(turns, RowProblem):
        return Dropped(line, str(turns))
    try:
        return form_answer(checked(turns), options)
    except RowProblem as problem:
        return Dropped(line, str(problem))


def _refuse_drops(strict: bool, dropped: list[Dropped]) -> None:
    if strict and dropped:
        raise RefusedError(
            f"{len(dropped)} row{'s' if len(dropped) > 1 else ''} would be dropped",
            _listed(dropped),
            "Mend these rows, or import without --strict. Nothing was imported.",
        )


def _no_rows(path: Path, dropped: list[Dropped]) -> TemperError:
    if not dropped:
        return TemperError(
            "Nothing to import", f"{path} holds no rows.", "Check that this is the right file."
        )
    return TemperError(
        "No row can be used",
        f"None of the {len(dropped)} rows of {path} can be used.\n{_listed(dropped)}",
        "If it is the wrong kind of row, say the shape with --shape or the columns with --map.",
    )


def _listed(dropped: list[Dropped], most: int = 5) -> str:
    lines = [f"line {row.line}: {row.reason}" for row in dropped[:most]]
    return "\n".join(lines + ([f"and {len(dropped) - most} more"] if len(dropped) > most else []))


def _shown(path: Path, root: Path) -> str:
    path = path.resolve()
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
