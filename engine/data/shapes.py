"""Shapes: how the objects of a source say who asked what and who answered. A record becomes messages.

Shapes are told apart by their keys. What cannot be trained on faithfully (tool calls, images, preference
pairs) is refused with a reason, never bent into something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from store.records.data import DatasetKind, Message, Role


class RowProblem(Exception):
    """Why a record makes no row; its text is the reason in the import's report."""


Turns = list[Message]
Rows = Iterator[Turns | RowProblem]


class Shape(NamedTuple):
    """A way to write examples. `rows` gives the messages of each row that a record holds."""

    name: str
    kind: DatasetKind
    keys: tuple[str, ...]
    rows: Callable[[dict[str, Any]], Rows]

    def missing(self, record: dict[str, Any]) -> list[str]:
        """The keys of this shape that a record lacks."""
        return [key for key in self.keys if key not in record]


_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
_SHAREGPT_ROLES: dict[str, Role] = {"system": "system", "human": "user", "user": "user", "gpt": "assistant"}
_ROW_KEYS = {
    "messages",
    "conversations",
    "prompt",
    "completion",
    "instruction",
    "instances",
    "chosen",
    "rejected",
}
_TOOL_KEYS = ("tools", "functions", "tool_calls", "function_call")


def chat_rows(record: dict[str, Any]) -> Rows:
    """OpenAI chat: `messages` of role and content; a `system` key of its own is the first message."""
    _refuse_tools(record)
    turns = [_chat_turn(turn) for turn in _list(record.get("messages"), "messages")]
    yield _with_system(record, turns)


def sharegpt_rows(record: dict[str, Any]) -> Rows:
    """ShareGPT: `conversations` of from and value, from human and gpt."""
    _refuse_tools(record)
    turns = []
    for turn in _list(record.get("conversations"), "conversations"):
        sender = turn.get("from") if isinstance(turn, dict) else None
        if sender in ("function_call", "observation", "tool"):
            raise RowProblem("tool calls cannot be trained on yet")
        turns.append(Message(_role(sender, _SHAREGPT_ROLES | _ROLES), text_of(turn.get("value"), "a turn")))
    yield _with_system(record, turns)


def prompt_completion_rows(record: dict[str, Any]) -> Rows:
    """`prompt` and `completion`: two texts, or two lists of messages."""
    _refuse_tools(record)
    prompt, completion = record.get("prompt"), record.get("completion")
    if isinstance(prompt, list) or isinstance(completion, list):
        turns = [_chat_turn(turn) for turn in [*_list(prompt, "prompt"), *_list(completion, "completion")]]
        yield _with_system(record, turns)
    else:
        turns = [
            Message("user", text_of(prompt, "prompt")),
            Message("assistant", text_of(completion, "completion")),
        ]
        yield _with_system(record, turns)


def alpaca_rows(record: dict[str, Any]) -> Rows:
    """Alpaca: `instruction`, optional `input`, `output`; LLaMA-Factory's `system` and `history` too."""
    _refuse_tools(record)
    turns = []
    for pair in record.get("history") or []:
        if not isinstance(pair, list) or len(pair) != 2:
            raise RowProblem("history is not a list of question and answer")
        turns += [
            Message("user", text_of(pair[0], "history")),
            Message("assistant", text_of(pair[1], "history")),
        ]
    question = _joined(record["instruction"], record.get("input"))
    turns += [Message("user", question), Message("assistant", text_of(record["output"], "output"))]
    yield _with_system(record, turns)


def seed_task_rows(record: dict[str, Any]) -> Rows:
    """Self-instruct seed tasks: an `instruction` and `instances` of input and output, a row each."""
    for instance in _list(record.get("instances"), "instances"):
        try:
            if not isinstance(instance, dict):
                raise RowProblem("an instance is not an object")
            question = _joined(record["instruction"], instance.get("input"))
            yield [Message("user", question), Message("assistant", text_of(instance.get("output"), "output"))]
        except RowProblem as problem:
            yield problem


SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape("chat", "chat", ("messages",), chat_rows),
        Shape("sharegpt", "chat", ("conversations",), sharegpt_rows),
        Shape("seed_tasks", "completion", ("instruction", "instances"), seed_task_rows),
        Shape("alpaca", "chat", ("instruction", "output"), alpaca_rows),
        Shape("prompt_completion", "completion", ("prompt", "completion"), prompt_completion_rows),
    )
}


def is_row(record: dict[str, Any]) -> bool:
    """Whether an object is an example by its keys, of a shape that is known or of one that is refused."""
    return not _ROW_KEYS.isdisjoint(record)


def shape_of(record: dict[str, Any]) -> Shape | None:
    """The shape that a record's keys say, if any."""
    if not_yet(record):
        return None
    return next((shape for shape in SHAPES.values() if not shape.missing(record)), None)


def not_yet(record: dict[str, Any]) -> str:
    """What a record is, where it is of a known kind that cannot be imported; else empty.

    Rated answers look like chats; to train on the bad ones among them would be worse than an error.
    """
    if "chosen" in record and "rejected" in record:
        return "preference pairs (chosen, rejected)"
    if isinstance(record.get("label", record.get("kto_tag")), bool):
        return "rated answers (label true or false)"
    return ""


def checked(turns: Turns) -> Turns:
    """`turns`, if they can be trained on: a question, an answer, text that can be stored. Else RowProblem."""
    if not turns:
        raise RowProblem("no messages")
    for turn in turns:
        if "\0" in turn.content:
            raise RowProblem("contains a NUL character")
        if not turn.content.isascii() and any("\ud800" <= letter <= "\udfff" for letter in turn.content):
            raise RowProblem("contains half a character (an unpaired surrogate)")
    if turns[-1].role != "assistant":
        raise RowProblem(f"ends with {turns[-1].role}: there is no answer to learn")
    if not turns[-1].content.strip():
        raise RowProblem("the answer is empty")
    if len(turns) < 2 or turns[-2].role != "user":
        raise RowProblem("the last answer does not follow a question")
    if not turns[-2].content.strip():
        raise RowProblem("the question is empty")
    return turns


def text_of(value: Any, what: str) -> str:
    """`value` if it is text. Raises RowProblem."""
    if isinstance(value, str):
        return value
    raise RowProblem(f"{what} is {'null' if value is None else f'not text but a {type(value).__name__}'}")


def _chat_turn(turn: Any) -> Message:
    if not isinstance(turn, dict):
        raise RowProblem("a message is not an object")
    if turn.get("role") in ("tool", "function") or any(turn.get(key) for key in _TOOL_KEYS):
        raise RowProblem("tool calls cannot be trained on yet")
    if turn.get("weight", 1) != 1:
        raise RowProblem("a message has a weight other than 1, which is not supported yet")
    content = turn.get("content")
    if isinstance(content, list):
        content = "".join(_part(part) for part in content)
    return Message(_role(turn.get("role"), _ROLES), text_of(content, "the content of a message"))


def _part(part: Any) -> str:
    if not isinstance(part, dict) or part.get("type") != "text":
        kind = part.get("type") if isinstance(part, dict) else type(part).__name__
        raise RowProblem(f"a message holds {kind}, only text can be trained on")
    return text_of(part.get("text"), "a text part")


def _role(name: Any, roles: dict[str, Role]) -> Role:
    if not isinstance(name, str) or name not in roles:
        raise RowProblem(f"unknown role {name!r}; known: {', '.join(roles)}")
    return roles[name]


def _with_system(record: dict[str, Any], turns: Turns) -> Turns:
    system = record.get("system")
    if not system or (turns and turns[0].role == "system"):
        return turns
    return [Message("system", text_of(system, "system")), *turns]


def _joined(instruction: Any, context: Any) -> str:
    text = text_of(instruction, "instruction")
    extra = text_of(context, "input") if context is not None else ""
    return f"{text}\n\n{extra}" if extra.strip() else text


def _refuse_tools(record: dict[str, Any]) -> None:
    if any(record.get(key) for key in _TOOL_KEYS):
        raise RowProblem("tool definitions cannot be trained on yet")


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise RowProblem(
            f"{what} is {'null' if value is None else f'not a list but a {type(value).__name__}'}"
        )
    return value
