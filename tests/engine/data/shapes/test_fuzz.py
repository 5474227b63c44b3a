"""Arbitrary objects through every shape: rows that hold what an example must, or a drop, never a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.conversations import grouped
from engine.data.importers import Record
from engine.data.shapes import SHAPES, choose_shape, examples_of, is_row
from engine.data.shapes.contract import words
from store.errors import TemperError
from store.records.data import Dropped, Example, ImportOptions

KEYS = st.sampled_from(
    words(
        "messages conversations conversation items dialog prompt completion question answer query response"
        " input output instruction history instances system tools functions function answers chosen rejected"
        " preferred_output non_preferred_output label kto_tag chat mapping current_node workspace sent_at"
        " trace_id role from content value text weight tool_calls function_call name arguments id author"
        " tool_call_id type parent parentId currentId message parts rating annotation files error ticket_id"
        " body created_at internal incoming context"
    )
)
WORDS = st.sampled_from(
    [
        *("user", "assistant", "system", "tool", "human", "gpt", "function_call", "observation", "note"),
        *("q", "a", "", " ", "{}", "[]", "text", "true", "bad", "1", "\0", "\ud800", "2026-01-31"),
        '{"name": "f", "arguments": {}}',
        '[{"role": "user", "content": "q"}]',
        "\n\nHuman: q\n\nAssistant: a",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.floats() | WORDS | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=14,
)
TURNS = st.lists(
    st.fixed_dictionaries(
        {"role": WORDS, "content": VALUES}, optional={"tool_calls": VALUES, "weight": VALUES}
    )
    | st.fixed_dictionaries({"from": WORDS, "value": VALUES})
    | VALUES,
    max_size=4,
)
RECORDS = st.dictionaries(KEYS, VALUES | TURNS, max_size=6)
OPTIONS = [
    ImportOptions(),
    ImportOptions(map={"input": "prompt", "answer": "text"}),
    ImportOptions(map={"input": "prompt", "answer": "text", "label": "label", "system": "system"}),
    ImportOptions(map={"input": "prompt", "chosen": "chosen", "rejected": "rejected"}),
    ImportOptions(map={"text": "content"}),
    ImportOptions(map={"ticket": "id", "role": "role", "content": "value", "time": "created_at"}),
    ImportOptions(map={"annotator": "name", "time": "created_at", "group": "id"}, answer_json="x"),
    ImportOptions(roles={"q": "user", "a": "assistant", "text": "ignore"}),
    *(ImportOptions(shape=name) for name in SHAPES),
]


def check(example: Example, kind: str) -> None:
    """What holds of every example that is stored."""
    assert len(example.row) == 16
    if kind == "text":
        assert example.text.strip()
        assert not example.messages
        return
    assert example.messages[-1].role == "assistant"
    assert example.messages[-1].content.strip() or example.messages[-1].tool_calls
    assert (example.label is not None) == (kind == "unpaired_preference")
    assert bool(example.rejected) == (kind == "preference")
    if kind == "preference":
        assert 0 < example.prompt_turns < len(example.messages)
        assert example.messages[example.prompt_turns].role == "assistant"
    if kind == "completion":
        assert [turn.role for turn in example.messages] == ["user", "assistant"]


@settings(max_examples=40)
@given(records=st.lists(RECORDS, min_size=1, max_size=4), options=st.sampled_from(OPTIONS))
def test_any_objects_give_sound_rows_or_reasons(
    records: list[dict[str, Any]], options: ImportOptions
) -> None:
    assert all(is_row(record) in (True, False) for record in records)
    try:
        shape = choose_shape(Path("x.jsonl"), options, records)
    except TemperError as error:
        assert error.happened
        assert error.remedy
        return
    numbered = [Record(line, record) for line, record in enumerate(records, start=1)]
    for item in grouped(numbered, options) if shape.grouped else numbered:
        for found in [item] if isinstance(item, Dropped) else examples_of(item, shape, options):
            assert msgspec.json.encode(found)  # half a surrogate pair could not be written
            if isinstance(found, Dropped):
                assert found.reason
                assert 1 <= found.line <= len(records)
            else:
                check(found, shape.kind)
