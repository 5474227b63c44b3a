"""Turns of a conversation, however they are written: OpenAI's role and content, ShareGPT's from and value.

Tool calls become one form (engine.data.shapes.tools). What is not text (images, audio, files) is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from engine.data.problems import RowProblem
from engine.data.shapes.contract import Fields, first_key, list_of, shown, text_of, to_json
from engine.data.shapes.roles import known, part_of
from engine.data.shapes.tools import calls_of, calls_of_text, one_call
from store.records.data import Message, ToolCall

SENDERS = ("role", "from", "sender", "speaker", "author")
CONTENTS = ("content", "value", "text", "message", "utterance")
PAIR_KEYS = ("system", "user", "human", "input", "question", "assistant", "bot", "gpt", "output", "answer")
_TEXT_PARTS = ("text", "input_text", "output_text")
_NOTHING = {"0", "no", "none", "null", "false", "[]", "{}", ""}  # as a table's cell says it
_ATTACHED = {"images", "image", "audio", "audios", "video", "videos", "files", "attachments"}


def turns_of(value: Any, what: str, roles: Mapping[str, str]) -> list[Message]:
    """The turns of a list of them. Raises RowProblem."""
    found: list[Message] = []
    for turn in list_of(value, what):
        for message in _messages(turn, roles):
            _add(found, message)
    return found


def with_system(record: Fields, turns: list[Message]) -> list[Message]:
    """`turns` after the record's own system text, where it has one and they do not begin with one."""
    key = first_key(record, ("system", "system_prompt"))
    system = text_of(record[key], key) if key else ""
    if not system or (turns and turns[0].role == "system"):
        return turns
    return [Message("system", system), *turns]


def one_turn(value: Any, what: str, roles: Mapping[str, str]) -> list[Message]:
    """An answer: a text, one turn, or a list of turns. Raises RowProblem."""
    if isinstance(value, dict):
        return turns_of([value], what, roles)
    if isinstance(value, list):
        return turns_of(value, what, roles)
    return [Message("assistant", text_of(value, what))]


def refuse_attached(record: Fields) -> None:
    """Raise RowProblem where a record or turn carries images, audio or files beside its text."""
    if _ATTACHED.isdisjoint(record):
        return
    for key in sorted(record.keys() & _ATTACHED):
        value = record[key]
        if value and not (isinstance(value, str) and value.strip().casefold() in _NOTHING):
            raise RowProblem(f"a message holds {key}, only text can be trained on")


def content_of(turn: Fields, key: str) -> str:
    """A turn's text; parts of text are joined. Raises RowProblem for null and for what is no text."""
    content = turn.get(key)
    if isinstance(content, list):
        return "".join(_part(part) for part in content)
    if content is None and isinstance(turn.get("refusal"), str):
        content = turn["refusal"]
    return text_of(content, "the content of a message")


def _messages(turn: Any, roles: Mapping[str, str]) -> list[Message]:
    if not isinstance(turn, dict):
        raise RowProblem("a message is not an object")
    sender = first_key(turn, SENDERS)
    if not sender and any(key in turn for key in PAIR_KEYS):
        return _pair(turn, roles)
    part = part_of(_name(turn.get(sender)), roles)
    if part == "ignore":
        return []
    refuse_attached(turn)
    key = first_key(turn, CONTENTS) or "content"
    if part == "call":
        return [Message("assistant", "", tool_calls=calls_of_text(turn.get(key)))]
    if part == "tool":
        return [_tool_answer(turn, key)]
    calls = _calls(turn)
    content = "" if calls and turn.get(key) is None else content_of(turn, key)
    if part == "assistant":
        return [Message("assistant", content, tool_calls=calls, weight=_weight(turn))]
    if calls:
        raise RowProblem(f"{part} makes a tool call, which only the assistant can")
    return [Message(part, content)]


def _tool_answer(turn: Fields, key: str) -> Message:
    """What a tool gave back; a structure becomes its JSON text, as the model reads it."""
    value = turn.get(key)
    parts = isinstance(value, list) and all(isinstance(part, dict) and "type" in part for part in value)
    if value is None or isinstance(value, str) or (parts and value):
        content = content_of(turn, key)
    else:
        content = to_json(value, "a tool's answer")
    return Message("tool", content, tool_call_id=_id(turn.get("tool_call_id")), name=_id(turn.get("name")))


def _pair(turn: Fields, roles: Mapping[str, str]) -> list[Message]:
    """A question and its answer in one object: {"human": ..., "assistant": ...}."""
    names = {"input": "user", "output": "assistant"}
    refuse_attached(turn)
    found = [
        Message(part_of(names.get(key, key), roles), content_of(turn, key))  # type: ignore[arg-type]  # these keys mean a role
        for key in PAIR_KEYS
        if key in turn and turn[key] not in (None, "") and known(names.get(key, key), roles)
    ]
    if not found:
        raise RowProblem("a message has no text")
    return found


def _add(turns: list[Message], message: Message) -> None:
    """Append a turn. A call that stands as a turn of its own belongs to the words right before it."""
    last = turns[-1] if turns else None
    spoken = last is not None and last.role == "assistant" and not last.tool_calls
    if last is not None and spoken and message.tool_calls and not message.content and message.weight == 1:
        turns[-1] = msgspec.structs.replace(last, tool_calls=message.tool_calls)
    else:
        turns.append(message)


def _calls(turn: Fields) -> list[ToolCall]:
    calls = calls_of(turn.get("tool_calls"))
    if not calls and turn.get("function_call"):
        return [one_call(turn["function_call"])]
    return calls


def _name(sender: Any) -> Any:
    """A sender's name; some exports write the author as an object."""
    if isinstance(sender, dict):
        return sender.get("role") or sender.get("type") or sender.get("name")
    return sender


def _weight(turn: Fields) -> Literal[0, 1]:
    weight = turn.get(first_key(turn, ("weight", "train", "training")))
    if weight is None or weight == 1:
        return 1
    if weight == 0:
        return 0
    raise RowProblem(f"a message has the weight {shown(weight)}; it can be 0 or 1")


def _id(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    kind = part.get("type") if isinstance(part, dict) else type(part).__name__
    if kind == "refusal":
        return text_of(part.get("refusal"), "a refusal")
    if kind in _TEXT_PARTS or (isinstance(part, dict) and kind is None and set(part) == {"text"}):
        return text_of(part.get("text"), "a text part")
    raise RowProblem(f"a message holds {shown(kind)}, only text can be trained on")
