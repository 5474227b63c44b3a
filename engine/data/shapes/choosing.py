"""Which shape a source has, by the user's word or by most of its first records; and the rows of a record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.data.examples import checked, content_hash
from engine.data.importers import Dropped, Record
from engine.data.problems import RowProblem
from engine.data.shapes.columns import check_columns, form_answer, is_content_map, mapped_shape, metadata_of
from engine.data.shapes.contract import Fields, Shape
from engine.data.shapes.families import SHAPES
from engine.data.shapes.rated import label_key, rating_of
from store.errors import UsageError
from store.records.data import Example, ImportOptions

_LISTS = {"messages", "conversations", "conversation", "dialog", "dialogue", "turns", "instances", "mapping"}
_COLUMNS = {"prompt", "completion", "instruction", "chosen", "rejected", "chat"}
_KINDS = {
    "chat": "a conversation",
    "completion": "a prompt and its completion",
    "preference": "a preference pair",
    "unpaired_preference": "a rated answer",
    "text": "plain text",
}


def is_row(record: Fields) -> bool:
    """Whether an object is an example by its keys, rather than a wrapper around a list of them."""
    return not (_LISTS | _COLUMNS).isdisjoint(record) or shape_of(record) is not None


def shape_of(record: Fields, without: frozenset[str] = frozenset()) -> Shape | None:
    """The shape that a record's keys say, if any; the most particular one comes first."""
    return next(
        (shape for shape in SHAPES.values() if shape.name not in without and shape.fits(record)), None
    )


def choose_shape(path: Path, options: ImportOptions, sample: Sequence[Fields]) -> Shape:
    """The shape of a source whose first records are `sample`. Raises UsageError where none can be told."""
    columns = list(dict.fromkeys(key for record in sample for key in record))
    check_columns(options, columns, path.name)
    if is_content_map(options):
        return mapped_shape(options, columns, path.name)
    if options.shape:
        return SHAPES[options.shape]
    # A label that says neither good nor bad anywhere is a class: then 0 and 1 are classes too.
    labels = [record[key] for record in sample if (key := label_key(record))]
    classes = any(label not in (None, "") and rating_of(label) is None for label in labels)
    without = frozenset({"unpaired"} if classes else ())
    votes = Counter(shape.name for record in sample if (shape := shape_of(record, without)) is not None)
    if votes:
        return SHAPES[votes.most_common(1)[0][0]]._replace(without=without)
    raise _unknown(path, columns)


def examples_of(record: Record, shape: Shape, options: ImportOptions) -> Iterator[Example | Dropped]:
    """The rows of one record, ready to store but for their split, or why there is none.

    A record of another shape than most is read by its own, as long as it gives the same kind of row.
    """
    own = _own_shape(record.value, shape, options)
    if isinstance(own, str):
        yield Dropped(record.line, own, record.file)
        return
    try:
        metadata = metadata_of(record, options)
        for row in own.rows(record.value, options):
            yield _finished(row, metadata, options, record.line)
    except RowProblem as problem:
        yield Dropped(record.line, str(problem), record.file)


def _own_shape(record: Fields, shape: Shape, options: ImportOptions) -> Shape | str:
    """By which shape to read a record, or why it cannot be."""
    if options.shape or is_content_map(options) or shape.grouped:
        return shape if shape.fits(record) else f"lacks {shape.needs}, which shape {shape.name} needs"
    own = shape_of(record, shape.without)
    if own is None:
        return f"lacks {shape.needs}, which shape {shape.name} needs"
    if own.kind != shape.kind or own.grouped:
        return f"is {_KINDS[own.kind]} ({own.name}) among rows of another kind ({shape.name})"
    return own


def _finished(
    row: Example | RowProblem, metadata: dict[str, str], options: ImportOptions, line: int
) -> Example | Dropped:
    if isinstance(row, RowProblem):
        return Dropped(line, str(row))
    try:
        row = msgspec.structs.replace(row, line=line, metadata=row.metadata | metadata)
        formed = form_answer(checked(row), options)
        row = formed if formed is row else checked(formed)
    except RowProblem as problem:
        return Dropped(line, str(problem))
    return msgspec.structs.replace(row, row=content_hash(row))


def _unknown(path: Path, columns: list[Any]) -> UsageError:
    guess = ([*columns, "QUESTION", "ANSWER"])[:2] if len(columns) >= 2 else ["QUESTION", "ANSWER"]
    return UsageError(
        "Which column is what?",
        f"{path} has {', '.join(map(repr, columns)) or 'no columns'}: no known shape ({', '.join(SHAPES)}).",
        f"Name the question and the answer, for example: --map input={guess[0]} --map answer={guess[1]}",
    )
