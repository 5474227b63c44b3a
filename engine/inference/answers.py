"""What is asked of a variant, and what comes back: plain structs, shared by evals, serving and the core.

Knows nothing of models or llama.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from store.errors import TemperError
from store.records.data import Message
from store.records.knowledge import Hit
from store.records.traces import Citation, Timings
from store.records.workspace import Sampling


class Ask(msgspec.Struct):
    """A conversation to answer, with what it wants otherwise than its variant says (None: as the variant).

    `system` stands in for the variant's system prompt; `stops` end the answer.
    """

    messages: Sequence[Message]
    retrieval: bool = True
    sampling: Sampling | None = None
    system: str | None = None
    stops: Sequence[str] = ()


class Answer(msgspec.Struct):
    """A complete answer. `hits` are the passages it was given, in the order of their numbers.

    `finish_reason` is `stop`, `length` (cut at max_tokens or at the end of the context: `notices` say which)
    or `stopped`; of `answer_many` also `error`: then `error` says why there is no answer.
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    citations: list[Citation] = []
    hits: list[Hit] = []
    notices: list[str] = []
    timings: Timings = msgspec.field(default_factory=Timings)
    error: str = ""


def refused(error: TemperError) -> Answer:
    """The answer to a conversation that could not be taken: none, and why."""
    return Answer("", "error", 0, 0, error=f"{error.title}: {error.happened}")


class Prompt(msgspec.Struct):
    """What the model is given: token ids, the passages in them, and what had to be left out."""

    ids: list[int]
    hits: list[Hit] = []
    notices: list[str] = []
