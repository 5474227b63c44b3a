"""Exports of chat programs: Open WebUI, ChatGPT, AnythingLLM, and Temper's own traces.

A conversation there is a tree: an answer that was asked for again has siblings, and one path is shown. An
answer that its reader rated bad carries no loss; what stands after the last answer is no part of the row.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from engine.data.problems import RowProblem
from engine.data.shapes.contract import Fields, Rows, Shape, draft, has, shown, text_of
from engine.data.shapes.rated import rating_of
from engine.data.shapes.turns import refuse_attached, turns_of, with_system
from store.records.data import ImportOptions, Message

# Open WebUI writes thoughts and tool calls into the answer as HTML; a model gets no thoughts back either.
_THOUGHTS = re.compile(r"<details\b[^>]*\btype=\"reasoning\"[^>]*>.*?</details>\s*", re.DOTALL)
_CALLS = re.compile(r"<details\b[^>]*\btype=\"(tool_calls|code_interpreter)\"")


def open_webui_rows(record: Fields, options: ImportOptions) -> Rows:
    """A chat of Open WebUI: the path to its `currentId`, or its `messages` where it has no tree."""
    chat = record["chat"] if isinstance(record.get("chat"), dict) else record
    history = chat.get("history")
    if isinstance(history, dict) and isinstance(history.get("messages"), dict):
        nodes: Any = _path(history["messages"], history.get("currentId"), "parentId")
    else:
        nodes = chat.get("messages")
        if not isinstance(nodes, list):
            raise RowProblem("the chat has no messages")
    turns: list[Message] = []
    for node in nodes:
        turns += _open_webui_turns(node, options)
    params = chat.get("params")
    system = params.get("system") if isinstance(params, dict) else chat.get("system")
    yield draft(
        with_system({"system": system}, answered(turns)), metadata=time_of(record, "created_at", "timestamp")
    )


def chatgpt_rows(record: Fields, options: ImportOptions) -> Rows:
    """A conversation of a ChatGPT export: the path to its `current_node`. Turns without text are none."""
    mapping = record.get("mapping")
    if not isinstance(mapping, dict):
        raise RowProblem("the conversation has no mapping of messages")
    turns: list[Message] = []
    for node in _path(mapping, record.get("current_node"), "parent"):
        message = node.get("message") if isinstance(node, dict) else None
        if isinstance(message, dict) and message.get("content"):
            turns += _chatgpt_turns(message, options)
    yield draft(answered(turns), metadata=time_of(record, "create_time"))


def anything_llm_rows(record: Fields, options: ImportOptions) -> Rows:
    """A line of AnythingLLM's chat log: a prompt and its response. Those rated BAD are refused."""
    refuse_attached(record)
    if rating_of(record.get("rating", record.get("feedbackScore"))) is False:
        raise RowProblem("the answer was rated bad")
    yield draft(
        [
            Message("user", text_of(record.get("prompt"), "prompt")),
            Message("assistant", text_of(record.get("response"), "response")),
        ],
        metadata=time_of(record, "sent_at"),
    )


def trace_rows(record: Fields, options: ImportOptions) -> Rows:
    """A request that Temper served: its messages and its answer, unless it failed or was cut off."""
    if record.get("error"):
        raise RowProblem("the request failed")
    if record.get("finish_reason", "stop") not in ("stop", "tool_calls"):
        raise RowProblem(f"the answer is not whole (finish_reason {shown(record['finish_reason'])})")
    turns = turns_of(record.get("messages"), "messages", options.roles)
    answer = Message("assistant", text_of(record.get("answer"), "answer"))
    yield draft([*turns, answer], metadata=time_of(record, "time"))


def answered(turns: list[Message]) -> list[Message]:
    """`turns` up to the last answer that carries loss. Raises RowProblem where none does."""
    last = max((at for at, turn in enumerate(turns) if turn.role == "assistant" and turn.weight), default=-1)
    if last < 0 and any(turn.role == "assistant" for turn in turns):
        raise RowProblem("every answer was rated bad")
    return turns[: last + 1] if last >= 0 else turns


def time_of(record: Fields, *keys: str) -> dict[str, str]:
    """When a row was written, as metadata: as the source says it."""
    value = next((record[key] for key in keys if record.get(key)), None)
    return {"time": str(value)} if isinstance(value, str | int | float) else {}


def _path(nodes: Fields, leaf: Any, parent: str) -> list[Any]:
    """The nodes from the root to `leaf`; without it, to the last node of the file. Raises RowProblem."""
    if not isinstance(leaf, str) or leaf not in nodes:
        leaf = next(reversed(nodes), None)
    path: list[Any] = []
    seen: set[str] = set()
    while isinstance(leaf, str) and leaf in nodes:
        if leaf in seen:
            raise RowProblem("the messages of the chat form a circle")
        seen.add(leaf)
        path.append(nodes[leaf])
        leaf = nodes[leaf].get(parent) if isinstance(nodes[leaf], dict) else None
    return path[::-1]


def _open_webui_turns(node: Any, options: ImportOptions) -> list[Message]:
    turns = turns_of([node], "messages", options.roles)
    if not isinstance(node, dict) or not turns or turns[-1].role != "assistant":
        return turns
    if node.get("error") and not turns[-1].content:
        raise RowProblem("an answer failed with an error")
    if found := _CALLS.search(turns[-1].content):
        raise RowProblem(f"an answer holds {found[1]} written as HTML, which cannot be told from its text")
    note = node.get("annotation")
    bad = isinstance(note, dict) and rating_of(note.get("rating")) is False
    content = _THOUGHTS.sub("", turns[-1].content)
    return [*turns[:-1], msgspec.structs.replace(turns[-1], content=content, weight=0 if bad else 1)]


def _chatgpt_turns(message: Fields, options: ImportOptions) -> list[Message]:
    content = message["content"]
    kind = content.get("content_type") if isinstance(content, dict) else None
    author = message.get("author")
    role = author.get("role") if isinstance(author, dict) else None
    if role == "system" or kind in ("user_editable_context", "model_editable_context", "thoughts"):
        return []  # ChatGPT's own set-up and thoughts, most of it empty
    if kind != "text" or role == "tool":
        raise RowProblem(f"a message holds {shown(kind)}, only text can be trained on")
    parts = [part for part in content.get("parts") or [] if part]
    if not parts:
        return []
    return turns_of([{"role": role, "content": parts}], "messages", options.roles)


def _is_open_webui(record: Fields) -> bool:
    chat = record.get("chat")
    if isinstance(chat, dict):
        return "history" in chat or "messages" in chat
    history = record.get("history")
    return isinstance(history, dict) and isinstance(history.get("messages"), dict)


def _is_chatgpt(record: Fields) -> bool:
    return isinstance(record.get("mapping"), dict)


SHAPES = (
    Shape(
        "traces",
        "chat",
        "'trace_id', 'messages', 'answer'",
        has("trace_id", "messages", "answer"),
        trace_rows,
    ),
    Shape("open_webui", "chat", "'chat'", _is_open_webui, open_webui_rows),
    Shape("chatgpt", "chat", "'mapping'", _is_chatgpt, chatgpt_rows),
    Shape(
        "anything_llm",
        "chat",
        "'workspace', 'prompt', 'response', 'sent_at'",
        has("workspace", "prompt", "response", "sent_at"),
        anything_llm_rows,
    ),
)
