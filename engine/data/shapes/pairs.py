"""One question and one answer in columns: prompt and completion, Alpaca, seed tasks, well-known names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.data.problems import RowProblem
from engine.data.shapes.contract import (
    Fields,
    Rows,
    Shape,
    draft,
    first_key,
    has,
    list_of,
    optional_text,
    text_of,
)
from engine.data.shapes.tools import calls_of, tools_of
from engine.data.shapes.turns import one_turn, refuse_attached, turns_of, with_system
from store.records.data import ImportOptions, Message

QUESTIONS = ("question", "query", "input", "prompt")
ANSWERS = ("answer", "response", "output", "completion")
_CONTEXTS = ("input", "context")
_CALLS = ("answers", "tool_calls", "calls", "ground_truth")
_DEFINITIONS = ("tools", "functions", "function")


def question_of(record: Fields, key: str, roles: Mapping[str, str]) -> list[Message]:
    """The prompt under `key`: a text, or a list of turns (or a list of such lists, as BFCL has it)."""
    value = record.get(key)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    if isinstance(value, list):
        return turns_of(value, key, roles)
    return [Message("user", joined(text_of(value, key), record.get("context") if key != "context" else None))]


def joined(instruction: str, context: Any) -> str:
    """An instruction and what it is about, an empty line between them."""
    extra = optional_text(context, "the context") if not isinstance(context, list | dict) else ""
    return f"{instruction}\n\n{extra}" if extra.strip() else instruction


def prompt_rows(record: Fields, options: ImportOptions) -> Rows:
    """`prompt` and `completion`, two texts: no chat."""
    refuse_attached(record)
    prompt, completion = (
        text_of(record.get("prompt"), "prompt"),
        text_of(record.get("completion"), "completion"),
    )
    yield draft([Message("user", prompt), Message("assistant", completion)])


def pair_rows(record: Fields, options: ImportOptions) -> Rows:
    """A question and an answer under any of the names they go by; each a text or a list of turns."""
    refuse_attached(record)
    asked, answered = pair_keys(record)
    if not asked or not answered:
        raise RowProblem("the question is null" if not asked else "the answer is null")
    turns = [
        *question_of(record, asked, options.roles),
        *one_turn(record[answered], answered, options.roles),
    ]
    yield draft(with_system(record, turns), tools=tools_of(record))


def alpaca_rows(record: Fields, options: ImportOptions) -> Rows:
    """Alpaca: `instruction`, optional `input`, `output`; LLaMA-Factory's `system` and `history` too."""
    answer = first_key(record, ANSWERS) or "output"
    turns = [*instruction_turns(record), Message("assistant", text_of(record.get(answer), answer))]
    yield draft(with_system(record, turns), tools=tools_of(record))


def instruction_turns(record: Fields) -> list[Message]:
    """Alpaca's question after its `history`, which is a list of question and answer."""
    refuse_attached(record)
    turns = []
    for pair in list_of(record.get("history") or [], "history"):
        if not isinstance(pair, list) or len(pair) != 2:
            raise RowProblem("history is not a list of question and answer")
        turns += [
            Message("user", text_of(pair[0], "history")),
            Message("assistant", text_of(pair[1], "history")),
        ]
    context = first_key(record, _CONTEXTS)
    about = text_of(record[context], context) if context else ""
    return [*turns, Message("user", joined(text_of(record.get("instruction"), "instruction"), about))]


def seed_task_rows(record: Fields, options: ImportOptions) -> Rows:
    """Self-instruct seed tasks: an `instruction` and `instances` of input and output, a row each."""
    for instance in list_of(record.get("instances"), "instances"):
        try:
            if not isinstance(instance, dict):
                raise RowProblem("an instance is not an object")
            asked = joined(
                text_of(record.get("instruction"), "instruction"),
                optional_text(instance.get("input"), "input"),
            )
            yield draft(
                [Message("user", asked), Message("assistant", text_of(instance.get("output"), "output"))]
            )
        except RowProblem as problem:
            yield problem


def function_call_rows(record: Fields, options: ImportOptions) -> Rows:
    """A question, the functions on offer, and the calls that answer it."""
    refuse_attached(record)
    asked = first_key(record, ("instruction", *QUESTIONS))
    calls = calls_of(record.get(first_key(record, _CALLS)))
    if not asked or not calls:
        raise RowProblem("there is no question" if not asked else "there is no call to learn")
    turns = [*question_of(record, asked, options.roles), Message("assistant", "", tool_calls=calls)]
    yield draft(with_system(record, turns), tools=tools_of(record, _DEFINITIONS))


def pair_keys(record: Fields) -> tuple[str, str]:
    """Under which names a record asks and answers; empty where it has none, or only null, of a side."""
    return first_key(record, QUESTIONS), first_key(record, ANSWERS)


def is_pair(record: Fields) -> bool:
    """Whether a record has a question's and an answer's column, null or not."""
    return any(key in record for key in QUESTIONS) and any(key in record for key in ANSWERS)


def _is_prompt(record: Fields) -> bool:
    """Prompt and completion as texts, without what only a chat can hold."""
    both = "prompt" in record and "completion" in record
    texts = not any(isinstance(record.get(key), list | dict) for key in ("prompt", "completion"))
    return both and texts and not _chat_parts(record)


def _chat_parts(record: Fields) -> bool:
    return any(record.get(key) for key in ("system", "system_prompt", "tools", "functions"))


def _is_alpaca(record: Fields) -> bool:
    return "instruction" in record and any(key in record for key in ANSWERS)


def _is_function_call(record: Fields) -> bool:
    return (
        any(key in record for key in ("instruction", *QUESTIONS))
        and any(key in record for key in _DEFINITIONS)
        and any(key in record for key in _CALLS)
    )


SHAPES = (
    Shape(
        "seed_tasks",
        "completion",
        "'instruction', 'instances'",
        has("instruction", "instances"),
        seed_task_rows,
    ),
    Shape("function_calls", "chat", "a question, 'tools', 'answers'", _is_function_call, function_call_rows),
    Shape("alpaca", "chat", "'instruction', 'output'", _is_alpaca, alpaca_rows),
    Shape("prompt_completion", "completion", "'prompt', 'completion'", _is_prompt, prompt_rows),
    Shape("pairs", "chat", "a question's and an answer's column", is_pair, pair_rows),
)
