"""Columns as the user named them, what to note of a row besides, and the form of its answer.

`--map answer=COLUMN --answer-json KEY`. Whether the options make sense is checked in engine.data.mapping.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from engine.data.importers import Record
from engine.data.problems import RowProblem
from engine.data.shapes.contract import Fields, Rows, Shape, draft, has, shown, text_of, to_json
from engine.data.shapes.preference import pair
from engine.data.shapes.rated import rating_of
from engine.data.shapes.tickets import PARTS as TICKET_PARTS
from engine.data.shapes.tickets import columns_of, ticket_rows
from engine.data.shapes.turns import turns_of
from store.errors import UsageError
from store.records.data import DatasetKind, Example, ImportOptions, Message

METADATA = ("annotator", "version", "time", "group")
"""Parts of --map that are noted with a row and are no part of its content."""


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


def is_content_map(options: ImportOptions) -> bool:
    """Whether --map says where a row's content is, rather than only what to note besides."""
    return any(part not in METADATA for part in options.map)


def is_ticket_map(options: ImportOptions) -> bool:
    """Whether --map names columns of a helpdesk export."""
    return not options.map.keys().isdisjoint({"ticket", "role", "content"})


def mapped_shape(options: ImportOptions, columns: Sequence[str], source: str) -> Shape:
    """The shape that --map describes, in a source of `columns`. Raises UsageError where one is missing."""
    if is_ticket_map(options):
        return _mapped_tickets(options, columns, source)
    forms: tuple[tuple[str, DatasetKind, tuple[str, ...], Callable[[Fields, ImportOptions], Rows]], ...] = (
        ("text", "text", ("text",), _texts),
        ("chosen", "preference", ("input", "chosen", "rejected"), _preferences),
        ("label", "unpaired_preference", ("input", "answer", "label"), _answers),
        ("answer", "chat", ("input", "answer"), _answers),
    )
    _, kind, parts, rows = next(form for form in forms if form[0] in options.map)
    named = [options.map[part] for part in parts]
    return Shape("columns", kind, ", ".join(map(repr, named)), has(*named), rows)


def metadata_of(record: Record, options: ImportOptions) -> dict[str, str]:
    """What --map and the source say about a row besides its content: who, when, which group and file."""
    found = {
        part: _shown(record.value[options.map[part]])
        for part in METADATA
        if part in options.map and record.value.get(options.map[part]) is not None
    }
    return found | ({"file": record.file} if record.file else {})


def form_answer(example: Example, options: ImportOptions) -> Example:
    """`example` with its last answer, and the rejected one, put into their form."""
    if not options.answer_json and not options.answer_template:
        return example
    return msgspec.structs.replace(
        example,
        messages=_formed(example.messages, options),
        rejected=_formed(example.rejected, options),
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'category'?`, or nothing when none is near."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _mapped_tickets(options: ImportOptions, columns: Sequence[str], source: str) -> Shape:
    named = {part: column for part, column in options.map.items() if part in TICKET_PARTS}
    if columns_of(columns, named) is None:
        raise UsageError(
            "Which columns are the ticket, the role and the content?",
            f"{source} has {', '.join(map(repr, columns))}.",
            "For example: --map ticket=case --map role=author --map content=body",
        )
    needs = ", ".join(map(repr, named.values()))
    return Shape("tickets", "chat", needs, lambda record: True, ticket_rows, grouped=True)


def _answers(record: Fields, options: ImportOptions) -> Rows:
    """A question and an answer, with a label where one is mapped."""
    turns = [*_prompt(record, options), Message("assistant", _cell(record, options.map["answer"]))]
    if "label" not in options.map:
        yield draft(turns)
        return
    value = record.get(options.map["label"])
    label = rating_of(value)
    if label is None:
        raise RowProblem(f"the label {shown(value)} says neither good nor bad")
    yield draft(turns, label=label)


def _preferences(record: Fields, options: ImportOptions) -> Rows:
    """A question and two answers to it."""
    endings = [
        _turns(record, options.map[part], options) or [Message("assistant", _cell(record, options.map[part]))]
        for part in ("chosen", "rejected")
    ]
    yield pair({}, _prompt(record, options), endings[0], endings[1])


def _texts(record: Fields, options: ImportOptions) -> Rows:
    """A document."""
    text = _cell(record, options.map["text"])
    if not text.strip():
        raise RowProblem("the text is empty")
    yield draft([], text=text)


def _prompt(record: Fields, options: ImportOptions) -> list[Message]:
    column = options.map["input"]
    turns = _turns(record, column, options) or [Message("user", _cell(record, column))]
    if "system" in options.map and (system := _cell(record, options.map["system"])):
        return [Message("system", system), *turns]
    return turns


def _turns(record: Fields, column: str, options: ImportOptions) -> list[Message]:
    """The turns of a column that holds a list of them; none where it holds something else."""
    value = record.get(column)
    if isinstance(value, list) and value and all(isinstance(turn, dict) and len(turn) > 1 for turn in value):
        return turns_of(value, column, options.roles)
    return []


def _formed(turns: list[Message], options: ImportOptions) -> list[Message]:
    if not turns or (turns[-1].tool_calls and not turns[-1].content):
        return turns
    answer = turns[-1].content
    if options.answer_json:
        answer = json.dumps({options.answer_json: answer}, ensure_ascii=False)
    else:
        answer = options.answer_template.replace("{answer}", answer)
    return [*turns[:-1], msgspec.structs.replace(turns[-1], content=answer)]


def _cell(record: Fields, column: str) -> str:
    """A column's text. Numbers and structures of a JSON source are written as JSON."""
    if column not in record:
        raise RowProblem(f"has no {column!r}")
    value = record[column]
    if value is None or isinstance(value, str):
        return text_of(value, repr(column))
    return to_json(value, repr(column))


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value, "a column of --map")
