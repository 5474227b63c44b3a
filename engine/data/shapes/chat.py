"""Conversations as lists of turns: OpenAI chat, ShareGPT and its kin."""

from __future__ import annotations

from engine.data.shapes.contract import Fields, Rows, Shape, draft, from_json, has
from engine.data.shapes.tools import tools_of
from engine.data.shapes.turns import PAIR_KEYS, SENDERS, refuse_attached, turns_of, with_system
from store.records.data import ImportOptions, Message

LISTS = ("messages", "conversations", "conversation", "items", "dialog", "dialogue", "turns")
_CERTAIN = ("messages", "conversations")
# Lists of bare texts elsewhere may be questions only (`turns` of a benchmark) or no turns at all.
_DIALOGUES = ("dialog", "dialogue")
_SPEAKS = {*SENDERS, *PAIR_KEYS}


def conversation_of(record: Fields, key: str, options: ImportOptions) -> list[Message]:
    """The turns under `key`, after the record's own system text. Raises RowProblem."""
    refuse_attached(record)
    return with_system(record, turns_of(record.get(key), key, options.roles))


def list_key(record: Fields) -> str:
    """Under which key a record's turns stand; empty where there is no such key."""
    return next((key for key in LISTS if (key in _CERTAIN and key in record) or _is_turns(record, key)), "")


def chat_rows(record: Fields, options: ImportOptions) -> Rows:
    """OpenAI chat: `messages` of role and content, `tools` or `functions` on offer."""
    yield draft(conversation_of(record, "messages", options), tools=tools_of(record))


def sharegpt_rows(record: Fields, options: ImportOptions) -> Rows:
    """ShareGPT: `conversations` (or `conversation`, `items`, `dialog`, ...) of from and value."""
    key = next((key for key in LISTS[1:] if _is_turns(record, key)), "conversations")
    turns = from_json(record.get(key), key, "[")
    if _alternates(turns, key):
        sides = [Message("assistant" if at % 2 else "user", text) for at, text in enumerate(turns)]
        yield draft(with_system(record, sides), tools=tools_of(record))
    else:
        yield draft(conversation_of(record, key, options), tools=tools_of(record))


def _is_sharegpt(record: Fields) -> bool:
    return "conversations" in record or any(_is_turns(record, key) for key in LISTS[2:])


def _is_turns(record: Fields, key: str) -> bool:
    """Whether a list under one of the less usual names holds turns, and not some other items."""
    value = record.get(key)
    if isinstance(value, str):
        return value.lstrip().startswith("[{")
    if not isinstance(value, list) or not value:
        return False
    return _alternates(value, key) or (isinstance(value[0], dict) and not _SPEAKS.isdisjoint(value[0]))


def _alternates(turns: object, key: str) -> bool:
    """A dialogue of bare texts: its sides take turns, and a user begins."""
    if key not in _DIALOGUES or not isinstance(turns, list):
        return False
    return bool(turns) and all(isinstance(turn, str) for turn in turns)


SHAPES = (
    Shape("chat", "chat", "'messages'", has("messages"), chat_rows),
    Shape("sharegpt", "chat", "'conversations'", _is_sharegpt, sharegpt_rows),
)
