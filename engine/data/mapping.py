"""Columns as the user named them, and the form of the answer: `--map answer=COLUMN --answer-json KEY`."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any

import msgspec

from engine.data.shapes import SHAPES, RowProblem, Rows, Shape, text_of
from store.errors import UsageError
from store.records.data import ImportOptions, Message

PARTS = ("input", "answer", "system")


def check_options(options: ImportOptions) -> None:
    """Raise UsageError for options that contradict each other or name something unknown."""
    if options.shape and options.shape not in SHAPES:
        raise UsageError(
            f"No shape is called {options.shape!r}",
            f"Known: {', '.join(SHAPES)}.{nearest(options.shape, SHAPES)}",
            "Choose one of them, or leave --shape out.",
        )
    if options.shape and options.map:
        raise UsageError(
            "--shape and --map exclude each other", "Both say where the answer is.", "Leave one out."
        )
    unknown = [part for part in options.map if part not in PARTS]
    if unknown or (options.map and not {"input", "answer"} <= set(options.map)):
        happened = f"Got {', '.join(options.map)}; known: {', '.join(PARTS)}."
        raise UsageError(
            "--map needs input and answer", happened, "For example: --map input=text --map answer=category"
        )
    if options.answer_json and options.answer_template:
        raise UsageError("The answer has two forms", "--answer-json and --answer-template.", "Leave one out.")
    if options.answer_template and "{answer}" not in options.answer_template:
        raise UsageError(
            "The answer template has no place for the answer",
            f"{options.answer_template!r} lacks {{answer}}.",
            "For example: --answer-template 'Intent: {answer}'",
        )
    if not 0.0 <= options.heldout < 1.0:
        raise UsageError(
            "The held-out share is out of range", f"Got {options.heldout}.", "Give a share from 0 to below 1."
        )


def check_columns(options: ImportOptions, columns: Iterable[str], source: str) -> None:
    """Raise UsageError when --map names a column that the source does not have."""
    known = list(columns)
    for part, column in options.map.items():
        if column not in known:
            raise UsageError(
                "No such column",
                f"--map {part}={column}: {source} has {', '.join(map(repr, known)) or 'none'}."
                f"{nearest(column, known)}",
                "Name one of these columns.",
            )


def mapped_shape(options: ImportOptions) -> Shape:
    """The shape that --map describes: one question and one answer per record."""

    def rows(record: dict[str, Any]) -> Rows:
        turns = [Message("user", _cell(record, options.map["input"]))]
        if "system" in options.map:
            turns.insert(0, Message("system", _cell(record, options.map["system"])))
        yield [*turns, Message("assistant", _cell(record, options.map["answer"]))]

    return Shape("columns", "chat", tuple(options.map.values()), rows)


def form_answer(turns: list[Message], options: ImportOptions) -> list[Message]:
    """`turns` with the last answer put into its form."""
    answer = turns[-1].content
    if options.answer_json:
        answer = json.dumps({options.answer_json: answer}, ensure_ascii=False)
    elif options.answer_template:
        answer = options.answer_template.replace("{answer}", answer)
    else:
        return turns
    return [*turns[:-1], msgspec.structs.replace(turns[-1], content=answer)]


def nearest(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'category'?`, or nothing when none is near."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _cell(record: dict[str, Any], column: str) -> str:
    """A column's text. Numbers and structures of a JSON source are written as JSON."""
    if column not in record:
        raise RowProblem(f"has no {column!r}")
    value = record[column]
    if value is None or isinstance(value, str):
        return text_of(value, repr(column))
    return json.dumps(value, ensure_ascii=False)
