"""What makes an example one: its id, and what must hold before it is stored.

Knows nothing of where examples come from (engine.data.shapes) nor how they are kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from engine.data.problems import RowProblem
from store.records.data import Example, Message

ID_LETTERS = 16  # 64 bits: among a million rows two different ones share an id with probability 3e-8

_encode = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps() would make an encoder per row


def content_hash(example: Example) -> str:
    """A row's id: the same for the same content, whatever file it comes from.

    Covers turns, tool calls, tools, weights, both endings, label and text; never metadata, split or line, and
    never the ids of tool calls, which are made up anew by each export.
    """
    turns: Any = [_turn(message) for message in example.messages]
    rest = {
        "tools": example.tools,
        "rejected": [_turn(message) for message in example.rejected],
        "prompt_turns": example.prompt_turns,
        "label": example.label,
        "text": example.text,
    }
    # A row of plain turns has always been hashed as the list alone: its id must stay.
    plain = not any(value for value in rest.values()) and example.label is None
    text = _encode(turns if plain else {"messages": turns, **rest})
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LETTERS]


def checked(example: Example) -> Example:
    """`example`, if it can be trained on: a question, an answer, text that can be stored. Else RowProblem."""
    for text in _texts(example):
        if "\0" in text:
            raise RowProblem("contains a NUL character")
        if not is_storable(text):
            raise RowProblem("contains half a character (an unpaired surrogate)")
    if example.text:
        return example
    if not example.messages:
        raise RowProblem("no messages")
    if not example.rejected:
        _check_turns(example.messages, "the answer")
        return example
    prompt = example.messages[: example.prompt_turns]
    _check_turns(example.messages, "the chosen answer")
    _check_turns([*prompt, *example.rejected], "the rejected answer")
    if [_said(turn) for turn in example.messages[len(prompt) :]] == [
        _said(turn) for turn in example.rejected
    ]:
        raise RowProblem("the chosen and the rejected answer are the same")
    return example


def is_storable(text: str) -> bool:
    """Whether a text can be written as UTF-8: half a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_turns(turns: list[Message], answer: str) -> None:
    last = turns[-1]
    if last.role != "assistant":
        raise RowProblem(f"ends with {last.role}: there is no answer to learn")
    if not last.content.strip() and not last.tool_calls:
        raise RowProblem(f"{answer} is empty")
    asked = next((turn for turn in reversed(turns[:-1]) if turn.role in ("user", "tool")), None)
    if asked is None:
        raise RowProblem(f"{answer} does not follow a question")
    if asked.role == "user" and not asked.content.strip():
        raise RowProblem("the question is empty")
    _check_calls(turns)


def _check_calls(turns: list[Message]) -> None:
    """Raise RowProblem where an answer's call id names no open call, or an id stands twice in one turn.

    Calls that nobody answers, and answers without an id, can be trained on.
    """
    open_ids: set[str] = set()
    for turn in turns:
        ids = [call.id for call in turn.tool_calls if call.id]
        if len(set(ids)) < len(ids):
            raise RowProblem("two tool calls of one message have the same id")
        open_ids.update(ids)
        if turn.tool_call_id:
            if turn.tool_call_id not in open_ids:
                raise RowProblem(f"a tool answers call {turn.tool_call_id!r}, which is not open")
            open_ids.discard(turn.tool_call_id)


def _turn(message: Message) -> list[Any]:
    """Role and content, and whatever else a turn has."""
    more = {
        "calls": [[call.name, call.arguments] for call in message.tool_calls],
        "name": message.name,
        "context": message.weight == 0,
    }
    used = {key: value for key, value in more.items() if value}
    return [message.role, message.content, used] if used else [message.role, message.content]


def _said(message: Message) -> tuple[str, str, list[tuple[str, str]]]:
    return (
        message.role,
        message.content.strip(),
        [(call.name, call.arguments) for call in message.tool_calls],
    )


def _texts(example: Example) -> Iterator[str]:
    yield example.text
    yield example.tools
    yield from _texts_of(example.messages)
    yield from _texts_of(example.rejected)
    for key, value in example.metadata.items():
        yield key
        yield value


def _texts_of(messages: Iterable[Message]) -> Iterator[str]:
    for message in messages:
        yield message.content
        yield message.tool_call_id
        yield message.name
        for call in message.tool_calls:
            yield call.name
            yield call.arguments
            yield call.id
