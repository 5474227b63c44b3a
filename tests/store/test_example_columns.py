"""Examples survive the way through columns, and what is no example is refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.example_columns import from_batch, schema, to_table
from store.records.data import Example, Message, ToolCall

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
calls = st.builds(ToolCall, name=text, arguments=text, id=text)
messages = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant", "tool"]),
    content=text,
    tool_calls=st.lists(calls, max_size=2),
    tool_call_id=text,
    name=text,
    weight=st.sampled_from([0, 1]),
)
examples = st.builds(
    Example,
    row=text,
    line=st.integers(1, 2**40),
    messages=st.lists(messages, max_size=3),
    split=st.sampled_from(["train", "heldout"]),
    tools=text,
    rejected=st.lists(messages, max_size=2),
    prompt_turns=st.integers(0, 9),
    label=st.none() | st.booleans(),
    text=text,
    metadata=st.dictionaries(text, text, max_size=2),
)


@given(rows=st.lists(examples, max_size=6), start=st.integers(0, 6))
def test_examples_come_back_as_they_were_also_from_a_slice(rows: list[Example], start: int) -> None:
    table = to_table(rows)
    assert table.schema == schema()
    found = [example for batch in table.slice(start).to_batches() for example in from_batch(batch)]
    assert found == rows[start:]


def one(**change: Any) -> pa.RecordBatch:
    row = {"row": "r", "line": 1, "split": "train", "messages": [{"role": "user", "content": "q"}]} | change
    return pa.RecordBatch.from_pylist([row])


def test_a_batch_with_fewer_columns_is_read_with_what_is_left_out() -> None:
    assert from_batch(one()) == [Example("r", 1, [Message("user", "q")])]


@pytest.mark.parametrize(
    "change", [{"messages": [{"role": "narrator", "content": "q"}]}, {"row": None}, {"line": "one"}]
)
def test_what_is_no_example_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        from_batch(one(**change))


def test_a_role_that_is_none_is_refused_in_the_present_schema() -> None:
    table = to_table([Example("r", 1, [Message("narrator", "q")])])  # type: ignore[arg-type]  # what is tested
    with pytest.raises(msgspec.ValidationError, match="narrator"):
        from_batch(table.to_batches()[0])
