"""Helpdesk exports: which columns say the ticket, who wrote, what and when; and the grouped conversation.

The rows of one ticket come here as one record (made by engine.data.conversations).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from engine.data.problems import RowProblem
from engine.data.shapes.contract import Fields, Rows, Shape, draft, words
from engine.data.shapes.exports import answered
from engine.data.shapes.roles import Part, part_of, plain
from engine.data.shapes.turns import turns_of
from store.records.data import ImportOptions, Message

PARTS = ("ticket", "role", "content", "time")
GROUPED = "\0messages"  # no column of a source is called so

_TICKETS = words(
    "ticket_id ticket ticket_number ticket_no ticketid conversation_id conversation"
    " conversationid conv_id thread_id thread threadid case_id case_number case caseid"
    " chat_id chatid session_id sessionid dialog_id dialogue_id issue_id request_id"
    " discussion_id"
)
_ROLES = words(
    "sender_type author_type author_role sender_role user_type participant_type actor_type"
    " speaker_role role sender author from speaker direction actor participant party"
    " is_customer from_customer is_agent from_agent is_staff is_bot incoming inbound outgoing"
    " outbound"
)
_CONTENTS = words(
    "body_text plain_body text_body body message_text message_body message content text"
    " comment utterance reply"
)
_TIMES = words(
    "created_at timestamp sent_at createdat created datetime date_time date time sent"
    " created_on created_time message_time message_index turn_index turn_id turn seq sequence"
    " position order index"
)
_NOTES = {"private", "is_private", "internal", "is_internal", "is_note", "is_internal_note", "private_note"}
_PUBLIC = {"public", "is_public"}
# A column whose values are yes or no says who wrote by its name.
_CUSTOMER = {"is_customer", "from_customer", "incoming", "inbound"}
_SAYS_WHO = {*_CUSTOMER, "is_agent", "from_agent", "is_staff", "is_bot", "outgoing", "outbound"}
_YES = {"true", "yes", "1", "t", "y"}
_NO = {"false", "no", "0", "f", "n"}


class Columns(NamedTuple):
    """The columns of a helpdesk export. `time` may be empty; `notes` say that a message is internal."""

    ticket: str
    role: str
    content: str
    time: str
    notes: tuple[str, ...]


def columns_of(names: Iterable[str], named: Mapping[str, str]) -> Columns | None:
    """Which columns mean what: as `named` says (--map), else by their names; None where one is missing."""
    by_name: dict[str, str] = {}
    for name in names:
        by_name.setdefault(plain(name), name)

    def column(part: str, known: list[str]) -> str:
        taken = {named[part] for part in PARTS if part in named}
        free = (by_name[name] for name in known if name in by_name and by_name[name] not in taken)
        return named.get(part) or next(free, "")

    ticket, role, content = column("ticket", _TICKETS), column("role", _ROLES), column("content", _CONTENTS)
    if not (ticket and role and content):
        return None
    notes = tuple(by_name[name] for name in by_name if name in _NOTES | _PUBLIC)
    return Columns(ticket, role, content, column("time", _TIMES), notes)


def part_of_message(record: Fields, columns: Columns, roles: Mapping[str, str]) -> Part:
    """Whose message a record is; "ignore" for an internal note. Raises RowProblem."""
    for name in columns.notes:
        if _truth(record.get(name)) is (plain(name) in _NOTES):
            return "ignore"
    value = record.get(columns.role)
    truth = _truth(value)
    name = plain(columns.role)
    if truth is not None and name in _SAYS_WHO:
        return "user" if truth is (name in _CUSTOMER) else "assistant"
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return part_of(value, roles)


def ticket_rows(record: Fields, options: ImportOptions) -> Rows:
    """A ticket's conversation: turns of one side right after each other are one, up to the last answer."""
    if GROUPED not in record:
        raise RowProblem("is a single message: nothing groups it into a conversation")
    turns: list[Message] = []
    for turn in turns_of(record[GROUPED], "messages", options.roles):
        if turns and turns[-1].role == turn.role and turn.role in ("user", "assistant"):
            joined = f"{turns[-1].content}\n\n{turn.content}".strip()
            turns[-1] = msgspec.structs.replace(turns[-1], content=joined)
        else:
            turns.append(turn)
    time = record.get("time")
    yield draft(answered(turns), metadata={"time": time} if isinstance(time, str) and time else {})


def _truth(value: object) -> bool | None:
    text = str(value).strip().casefold() if isinstance(value, bool | int | str) else ""
    return True if text in _YES else False if text in _NO else None


def _is_message(record: Fields) -> bool:
    columns = columns_of(record, {})
    if columns is None:
        return False
    cells = (record[column] for column in (columns.ticket, columns.role, columns.content))
    return all(isinstance(cell, str | int | float | None) for cell in cells)


SHAPES = (
    Shape(
        "tickets",
        "chat",
        "columns of ticket, role and content",
        lambda record: GROUPED in record or _is_message(record),
        ticket_rows,
        grouped=True,
    ),
)
