"""Two answers to one prompt, the better and the worse, in every form that they are written.

Both endings follow the same first turns. Where no prompt is given, what the two conversations share is it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.data.problems import RowProblem
from engine.data.shapes.chat import list_key
from engine.data.shapes.contract import Fields, Rows, Shape, draft, first_key, turns_in
from engine.data.shapes.pairs import QUESTIONS, instruction_turns, question_of
from engine.data.shapes.tools import tools_of
from engine.data.shapes.turns import one_turn, refuse_attached, turns_of, with_system
from store.records.data import Example, ImportOptions, Message

_ENDINGS = (
    ("chosen", "rejected"),
    ("preferred_output", "non_preferred_output"),
    ("chosen_response", "rejected_response"),
    ("chosen_answer", "rejected_answer"),
    ("preferred", "dispreferred"),
    ("response_chosen", "response_rejected"),
    ("answer_chosen", "answer_rejected"),
    ("preferred_response", "dispreferred_response"),
)
_SPOKEN = re.compile(r"(?:\A\s*|\n\n)(Human|Assistant|System):[ \t]?")
_SPEAKERS = {"Human": "user", "Assistant": "assistant", "System": "system"}


def preference_rows(record: Fields, options: ImportOptions) -> Rows:
    """Chosen and rejected, as texts, turns or whole conversations, with or without a prompt of their own."""
    refuse_attached(record)
    better, worse = _keys(record) or _ENDINGS[0]
    endings = [turns_in(record.get(key)) for key in (better, worse)]
    if isinstance(endings[0], str) and isinstance(endings[1], str) and all(map(_is_dialogue, endings)):
        chosen, rejected = (_dialogue(text) for text in endings)
    else:
        chosen, rejected = (
            one_turn(value, key, options.roles) for value, key in zip(endings, (better, worse), strict=True)
        )
    prompt, tools = _prompt(record, options)
    yield pair(record, prompt, chosen, rejected, tools)


def pair(
    record: Fields, prompt: list[Message], chosen: list[Message], rejected: list[Message], tools: str = ""
) -> Example:
    """The example of a prompt (may be empty) and two endings, which may repeat it. Raises RowProblem."""
    if chosen and rejected and chosen == rejected:
        raise RowProblem("the chosen and the rejected answer are the same")
    shared = _shared(chosen, rejected)
    opening = chosen[:shared]
    chosen, rejected = chosen[shared:], rejected[shared:]
    # A prompt is often written out again at the head of both conversations.
    prompt = opening if _holds(opening, prompt) else [*prompt, *opening]
    if not prompt:
        raise RowProblem("there is no prompt: neither a column of it nor turns that both answers share")
    if not opening and prompt[-1].role == "assistant":
        raise RowProblem("the prompt ends with an answer already")
    for ending, name in ((chosen, "chosen"), (rejected, "rejected")):
        if not ending:
            raise RowProblem(f"the {name} answer is empty")
        if ending[0].role != "assistant":
            raise RowProblem(f"the {name} answer begins with {ending[0].role}")
    prompt = with_system(record, prompt)
    return draft([*prompt, *chosen], rejected=rejected, prompt_turns=len(prompt), tools=tools)


def _prompt(record: Fields, options: ImportOptions) -> tuple[list[Message], str]:
    """The prompt that stands by itself, empty where none does, and the tools on offer."""
    given = record.get("input")
    if isinstance(given, dict):  # OpenAI's: {"input": {"messages": [...], "tools": [...]}, ...}
        return turns_of(given.get("messages"), "input.messages", options.roles), tools_of(given)
    tools = tools_of(record)
    if isinstance(record.get("instruction"), str):
        return instruction_turns(record), tools
    if key := first_key(record, ("prompt", *QUESTIONS)):
        value = turns_in(record[key])
        if isinstance(value, str) and _is_dialogue(value):
            return _dialogue(value), tools
        return question_of({**record, key: value}, key, options.roles), tools
    # With whole conversations as answers, `messages` mostly repeats the chosen one (UltraFeedback).
    whole = any(isinstance(record.get(key), list) for key in (_keys(record) or ()))
    if (key := list_key(record)) and not whole:
        return turns_of(record[key], key, options.roles), tools
    return [], tools


def _shared(chosen: Sequence[Message], rejected: Sequence[Message]) -> int:
    """How many turns both begin with; each keeps an ending of at least one turn."""
    shared = 0
    for left, right in zip(chosen[:-1], rejected[:-1], strict=False):
        if left != right:
            break
        shared += 1
    return shared


def _holds(opening: Sequence[Message], prompt: Sequence[Message]) -> bool:
    """Whether all turns of `prompt` stand in `opening`, in their order, white space at their ends apart."""
    said = iter([(turn.role, turn.content.strip()) for turn in opening])
    return all((turn.role, turn.content.strip()) in said for turn in prompt)


def _is_dialogue(text: str) -> bool:
    """HH-RLHF's form: a text in which `Human:` and `Assistant:` begin paragraphs."""
    return bool(re.match(r"\s*(?:Human|System):", text)) and "\n\nAssistant:" in text


def _dialogue(text: str) -> list[Message]:
    pieces = _SPOKEN.split(text)
    turns = [
        Message(_SPEAKERS[speaker], said.strip())  # type: ignore[arg-type]  # the table holds roles only
        for speaker, said in zip(pieces[1::2], pieces[2::2], strict=True)
    ]
    # As a prompt it ends with "Assistant:" and nothing after it.
    return turns[:-1] if turns and turns[-1].role == "assistant" and not turns[-1].content else turns


def _keys(record: Fields) -> tuple[str, str] | None:
    return next((names for names in _ENDINGS if names[0] in record and names[1] in record), None)


def is_preference(record: Fields) -> bool:
    """Whether a record has the columns of both answers."""
    return _keys(record) is not None


SHAPES = (Shape("preference", "preference", "'chosen', 'rejected'", is_preference, preference_rows),)
