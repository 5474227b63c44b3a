"""Helpdesk exports: columns by name or by map, roles, notes, and conversations out of single messages."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from engine.data.shapes.tickets import columns_of
from store.errors import UsageError
from tests.engine.data.conftest import Importing
from tests.engine.data.shapes.reading import read, reasons, rows, said


def message(ticket: str, author: str, body: str, **more: Any) -> dict[str, Any]:
    return {"ticket_id": ticket, "author_type": author, "body": body, **more}


@pytest.mark.parametrize(
    "names",
    [
        ["Ticket ID", "Author Role", "Body", "Created At"],
        ["conversation_id", "sender", "message", "timestamp"],
        ["thread", "from", "text", ""],
        ["session_id", "role", "content", "turn"],
        ["case_number", "direction", "comment", "date"],
    ],
)
def test_columns_are_known_by_their_names(names: list[str]) -> None:
    found = columns_of(["other", *filter(None, names)], {})
    assert found is not None
    assert [found.ticket, found.role, found.content, found.time] == names


def test_a_map_comes_before_names() -> None:
    found = columns_of(["a", "role", "body", "text"], {"ticket": "a", "content": "text"})
    assert found is not None
    assert (found.ticket, found.role, found.content) == ("a", "role", "text")


def test_interleaved_messages_become_conversations_in_order_of_their_first() -> None:
    found = read(
        message("B", "customer", "q1"),
        message("A", "customer", "q2"),
        message("B", "agent", "a1"),
        message("A", "agent", "a2"),
        message("B", "customer", "thanks"),
    )
    assert [(item.line, said(item.messages)) for item in rows(found)] == [
        (1, [("user", "q1"), ("assistant", "a1")]),
        (2, [("user", "q2"), ("assistant", "a2")]),
    ]


def test_messages_are_ordered_by_time_where_there_is_one() -> None:
    found = rows(
        read(
            message("A", "agent", "a", created_at="2026-01-31T10:05:00Z"),
            message("A", "customer", "q", created_at="2026-01-31T10:00:00Z"),
        )
    )
    assert said(found[0].messages) == [("user", "q"), ("assistant", "a")]
    assert found[0].metadata == {"time": "2026-01-31T10:00:00Z"}


def test_turns_of_one_side_right_after_each_other_are_one() -> None:
    found = rows(
        read(
            message("A", "customer", "q"),
            message("A", "end-user", "hello?"),
            message("A", "agent", "a"),
            message("A", "bot", "b"),
        )
    )
    assert said(found[0].messages) == [("user", "q\n\nhello?"), ("assistant", "a\n\nb")]


@pytest.mark.parametrize(
    "note", [{"internal": True}, {"private": "true"}, {"public": False}, {"author_type": "note"}]
)
def test_internal_notes_are_left_out_and_listed(note: dict[str, Any]) -> None:
    usual = {key: not value for key, value in note.items() if isinstance(value, bool)}
    found = read(
        {**message("A", "customer", "q"), **usual},
        {**message("A", "agent", "do not tell"), **note},
        {**message("A", "agent", "a"), **usual},
    )
    assert said(rows(found)[0].messages) == [("user", "q"), ("assistant", "a")]
    assert reasons(found) == [(2, "an internal note, which is no part of the conversation")]


def test_a_truth_value_can_say_who_wrote() -> None:
    found = read(
        {"conversation_id": 7, "incoming": True, "body_text": "q"},
        {"conversation_id": 7, "incoming": False, "body_text": "a"},
    )
    assert said(rows(found)[0].messages) == [("user", "q"), ("assistant", "a")]


def test_an_unknown_role_refuses_its_whole_conversation_and_says_how_to_name_it() -> None:
    records = [message("A", "customer", "q"), message("A", "Kim", "a"), message("B", "customer", "q")]
    found = read(*records, message("B", "agent", "a"))
    assert len(rows(found)) == 1
    assert reasons(found) == [
        (1, "line 2 of this conversation: unknown role 'Kim'; say what it is with --role Kim=user")
    ]
    assert len(rows(read(*records, roles={"Kim": "assistant"}))) == 1


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (message("", "agent", "x"), "has no 'ticket_id', so it belongs to no conversation"),
        ({**message("A", "agent", "x"), "ticket_id": None}, "has no 'ticket_id'"),
        ({**message("A", "agent", "x"), "body": None}, "the content of a message is null"),
        (message("A", "agent", " "), "the message is empty"),
        ({"ticket_id": "A"}, "lacks a column of ticket, role or content"),
    ],
)
def test_a_message_that_is_none_costs_only_itself(broken: dict[str, Any], expected: str) -> None:
    found = read(message("A", "customer", "q"), broken, message("A", "agent", "a"))
    assert said(rows(found)[0].messages) == [("user", "q"), ("assistant", "a")]
    assert [line for line, _ in reasons(found)] == [2]
    assert expected in reasons(found)[0][1]


def test_a_conversation_that_nobody_answered_is_refused() -> None:
    answered = [message("A", "customer", "q"), message("A", "agent", "a")]
    found = read(*answered, message("B", "customer", "q"))
    assert reasons(found) == [(3, "ends with user: there is no answer to learn")]


def test_attached_files_refuse_the_conversation_and_a_count_of_none_does_not() -> None:
    records = [message("A", "customer", "q", attachments="0"), message("A", "agent", "a", attachments="0")]
    assert len(rows(read(*records))) == 1
    records[0]["attachments"] = "screen.png"
    assert "holds attachments" in reasons(read(*records))[0][1]


def test_a_map_that_lacks_a_column_asks_for_it() -> None:
    with pytest.raises(UsageError, match="the ticket, the role and the content"):
        read({"a": 1, "b": 2}, map={"ticket": "a"})


def test_a_helpdesk_file_is_recognised_and_every_record_is_accounted_for(importing: Importing) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["Case", "Author", "Text", "Sent"])
    for index in range(40):
        side = "customer" if index < 20 else "agent"
        writer.writerow([f"T-{index % 20}", side, f"{side} {index}", f"2026-01-{index % 20 + 1:02}"])
    writer.writerow(["T-0", "agent", "", "2026-02-01"])
    info = importing.text("export.csv", text.getvalue(), map={"group": "Case"}).info
    assert (info.kind, info.shape, info.rows_kept, info.rows_in) == ("chat", "tickets", 20, 21)
    assert importing.rows()[3].metadata == {"time": "2026-01-04", "group": "T-3"}
