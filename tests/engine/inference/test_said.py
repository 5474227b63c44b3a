"""Text before calls: shown as it comes, never what becomes a call, always what the whole begins with."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.inference.said import Said
from engine.inference.structured.call_form import DEFAULT, CallForm
from engine.inference.structured.tools import ToolSet

TOOLS = [{"type": "function", "function": {"name": "now", "parameters": {"type": "object"}}}]
CALL = '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>'
BARE = msgspec.structs.replace(DEFAULT, marker="", before=('{"name": "',), after=("}",), joint=None)
BARE_CALL = '{"name": "now", "arguments": {}}'
THINKING = msgspec.structs.replace(DEFAULT, thought="may")
OPEN = msgspec.structs.replace(DEFAULT, thought="open")


def fed(said: Said, text: str, cuts: list[int]) -> list[str]:
    """What is shown of `text` that comes in pieces."""
    places = [0, *sorted({cut % (len(text) + 1) for cut in cuts}), len(text)]
    return [said.feed(text[a:b]) for a, b in pairwise(places)]


@given(
    st.text("ab \n<tool_call>{", max_size=30),
    st.sampled_from(["", CALL]),
    st.lists(st.integers(0), max_size=8),
    st.sampled_from([DEFAULT, THINKING]),
)
def test_what_is_shown_begins_what_the_answer_says(
    before: str, call: str, cuts: list[int], form: CallForm
) -> None:
    tools = ToolSet(TOOLS, "auto", form)
    text = before.replace(DEFAULT.marker, "") + call
    shown = "".join(fed(Said(form, must=False), text, cuts))
    whole = tools.beside(text) if tools.calls(text) else text
    assert whole.startswith(shown)
    assert DEFAULT.marker not in shown


def test_a_text_is_shown_as_it_comes_less_what_could_begin_a_call() -> None:
    said = Said(DEFAULT, must=False)
    pieces = ["Let me ", "see.", " <too", "ls> no", " <tool", "_call>\n{"]
    assert [said.feed(piece) for piece in pieces] == ["Let me", " see.", "", " <tools> no", "", ""]


def test_nothing_is_shown_where_the_answer_must_be_calls() -> None:
    assert fed(Said(DEFAULT, must=True), "Well, " + CALL, [3, 9]) == ["", "", ""]


@pytest.mark.parametrize(("text", "shown"), [(BARE_CALL, ""), ('{"nam: it is', '{"nam: it is'), ("Hi", "Hi")])
def test_without_a_marker_only_the_beginning_tells_a_call(text: str, shown: str) -> None:
    assert "".join(map(Said(BARE, must=False).feed, text)) == shown


@pytest.mark.parametrize(
    ("form", "text", "shown"),
    [
        (THINKING, "<think>hm</think>Hello", ""),
        (THINKING, "<thing> is", "<thing> is"),
        (OPEN, "hm</think>Hello", ""),
    ],
)
def test_a_thought_is_held_back(form: CallForm, text: str, shown: str) -> None:
    assert "".join(map(Said(form, must=False).feed, text)) == shown
