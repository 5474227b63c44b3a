"""Grouping of single messages: order, split, memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

from engine.data.conversations import grouped
from engine.data.importers import Record
from engine.data.shapes.tickets import GROUPED
from store.records.data import Dropped, ImportOptions


def message(line: int, ticket: object, role: str = "user", content: str = "x", split: str = "") -> Record:
    return Record(line, {"ticket": ticket, "role": role, "content": content}, file="f", split=split)


def test_a_conversation_stands_at_its_first_message_and_keeps_its_columns() -> None:
    records = [message(4, "B"), message(5, 7), message(6, "B", "agent", "y")]
    found = [item for item in grouped(records, ImportOptions()) if isinstance(item, Record)]
    assert [(item.line, item.value["ticket"], item.file) for item in found] == [(4, "B", "f"), (5, 7, "f")]
    assert [turn["content"] for turn in found[0].value[GROUPED]] == ["x", "y"]


def test_drops_of_the_reader_pass_through() -> None:
    drop = Dropped(2, "not JSON")
    assert next(grouped([message(1, "A"), drop], ImportOptions())) is drop


def test_a_ticket_on_both_sides_of_a_split_is_two_conversations() -> None:
    records = [message(1, "A", split="train"), message(2, "A", split="heldout")]
    found = list(grouped(records, ImportOptions()))
    assert [item.split for item in found if isinstance(item, Record)] == ["train", "heldout"]


def test_half_a_character_refuses_the_conversation_and_breaks_nothing() -> None:
    found = list(grouped([message(1, "\ud800", content="\ud800"), message(2, "B")], ImportOptions()))
    assert isinstance(found[0], Dropped)
    assert "half a character" in found[0].reason
    assert isinstance(found[1], Record)


def test_messages_wait_on_disk_and_not_in_memory() -> None:
    size, count = 8_000, 1_000

    def records() -> Iterator[Record]:
        for index in range(count):
            yield message(index + 1, index % (count // 2), content=f"{index} " + "x" * size)

    tracemalloc.start()
    try:
        found = 0
        for item in grouped(records(), ImportOptions()):
            assert isinstance(item, Record)
            found += len(item.value[GROUPED])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == count
    assert peak < size * count / 8
