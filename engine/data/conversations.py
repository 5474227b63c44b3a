"""Records that are single messages become one record per conversation, wherever in the source they stand.

A table on disk holds them meanwhile, so that a source larger than memory can be grouped. Ordered by time
where every message of a conversation has one that can be read, else as in the source.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

import msgspec

from engine.data.examples import is_storable
from engine.data.importers import Dropped, Record
from engine.data.moments import in_order
from engine.data.problems import RowProblem
from engine.data.shapes.tickets import GROUPED, Columns, columns_of, part_of_message
from engine.data.shapes.turns import content_of, refuse_attached
from store.records.data import ImportOptions

_FLUSH = 10_000  # messages between writes


def grouped(records: Iterable[Record | Dropped], options: ImportOptions) -> Iterator[Record | Dropped]:
    """The conversations of `records`, in the order of their first messages, each with that message's line.

    Messages that are left out (internal notes, empty ones, those without a ticket) come first, as Dropped.
    """
    # An empty name makes a private table on disk, which is gone once it is closed.
    with closing(sqlite3.connect("")) as table:
        yield from _store(table, records, options)
        yield from _conversations(table)


class _Message(msgspec.Struct):
    """A message as it waits for the others of its ticket. `problem` refuses the whole conversation."""

    line: int
    part: str
    content: str
    time: str
    problem: str


def _store(
    table: sqlite3.Connection, records: Iterable[Record | Dropped], options: ImportOptions
) -> Iterator[Dropped]:
    """Write all messages to the table; yields what is none."""
    table.executescript(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;"
        "CREATE TABLE tickets (number INTEGER PRIMARY KEY, ticket TEXT UNIQUE, first BLOB);"
        "CREATE TABLE messages (number INTEGER, message BLOB);"
    )
    encode = msgspec.json.encode
    layouts: dict[tuple[str, ...], Columns | None] = {}
    for count, record in enumerate(records, start=1):
        if isinstance(record, Dropped):
            yield record
            continue
        names = tuple(record.value)
        if names not in layouts:
            layouts[names] = columns_of(names, options.map)
        try:
            ticket, message = _message(record, layouts[names], options)
        except RowProblem as problem:
            yield Dropped(record.line, str(problem))
            continue
        number = _number(table, ticket, record)
        table.execute("INSERT INTO messages VALUES (?, ?)", (number, encode(message)))
        if count % _FLUSH == 0:
            table.commit()
    table.commit()


def _message(record: Record, columns: Columns | None, options: ImportOptions) -> tuple[str, _Message]:
    """A record's ticket and message. Raises RowProblem where it is left out of its conversation."""
    if columns is None:
        raise RowProblem("lacks a column of ticket, role or content")
    value = record.value
    ticket = value.get(columns.ticket)
    if ticket is None or isinstance(ticket, list | dict) or not str(ticket).strip():
        raise RowProblem(f"has no {columns.ticket!r}, so it belongs to no conversation")
    content, problem, part = "", "", ""
    try:
        part = part_of_message(value, columns, options.roles)
    except RowProblem as unknown:
        problem = str(unknown)
    if part == "ignore":
        raise RowProblem("an internal note, which is no part of the conversation")
    if value.get(columns.content) is None:
        raise RowProblem("the content of a message is null")
    try:
        refuse_attached(value)
        content = content_of(value, columns.content)
    except RowProblem as refused:
        problem = problem or str(refused)
    if not problem and not content.strip():
        raise RowProblem("the message is empty")
    if not is_storable(content):
        content, problem = "", problem or "contains half a character (an unpaired surrogate)"
    time = value.get(columns.time) if columns.time else None
    shown = str(time) if isinstance(time, str | int | float) and str(time).isprintable() else ""
    return str(ticket).strip(), _Message(record.line, part, content, shown, problem)


def _number(table: sqlite3.Connection, ticket: str, record: Record) -> int:
    """The ticket's number in order of first messages; a new one keeps its first record."""
    key = json.dumps([record.split, ticket])  # ASCII: a surrogate in a ticket's name cannot be stored
    found = table.execute("SELECT number FROM tickets WHERE ticket = ?", (key,)).fetchone()
    if found is not None:
        return int(found[0])
    first = json.dumps([record.line, record.file, record.split, record.value]).encode()
    made = table.execute("INSERT INTO tickets (ticket, first) VALUES (?, ?)", (key, first)).lastrowid
    assert made is not None
    return made


def _conversations(table: sqlite3.Connection) -> Iterator[Record | Dropped]:
    table.execute("CREATE INDEX by_ticket ON messages (number)")
    decode = msgspec.json.Decoder(_Message).decode
    for number, first in table.execute("SELECT number, first FROM tickets ORDER BY number"):
        rows = table.execute("SELECT message FROM messages WHERE number = ? ORDER BY rowid", (number,))
        yield _conversation(json.loads(first), [decode(row[0]) for row in rows])


def _conversation(first: list[Any], messages: list[_Message]) -> Record | Dropped:
    line, file, split, value = first
    for message in messages:
        if message.problem:
            where = "" if message.line == line else f"line {message.line} of this conversation: "
            return Dropped(line, where + message.problem)
    messages = [messages[at] for at in in_order([message.time for message in messages])]
    turns = [{"role": message.part, "content": message.content} for message in messages]
    merged = value | {GROUPED: turns, "time": messages[0].time}
    return Record(line, merged, file=file, split=split)
