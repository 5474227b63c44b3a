"""Which turns of a conversation carry loss. Knows nothing of texts and tokens (engine.data.rendering)."""

from __future__ import annotations

from collections.abc import Sequence

from store.records.data import Message
from store.records.preview import Mask


def answers_with_loss(messages: Sequence[Message], mask: Mask, prompt_turns: int = 0) -> list[int]:
    """The assistant's turns that `mask` trains on, by index; a turn of weight 0 is never among them.

    `completion` begins behind the first `prompt_turns` messages; where a row does not say how many these
    are, behind the last user's turn, so that calls, their results and the final answer are one completion.
    """
    answers = [index for index, message in enumerate(messages) if message.role == "assistant"]
    if mask == "last":
        answers = answers[-1:]
    elif mask == "completion":
        begin = prompt_turns or last_question(messages) + 1
        answers = [index for index in answers if index >= begin]
    return [index for index in answers if messages[index].weight]


def last_question(messages: Sequence[Message]) -> int:
    """The index of the last user's turn that an answer follows; -1 where there is none."""
    answered = False
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == "assistant":
            answered = True
        elif messages[index].role == "user" and answered:
            return index
    return -1
