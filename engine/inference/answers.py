"""What is asked of a variant, and what comes back: plain structs, shared by evals, serving and the core.

Knows nothing of models or llama.cpp.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from engine.inference.generate import AdapterSet
from engine.inference.sampler import TokenScore
from engine.models.turns import Tool
from store.errors import TemperError
from store.records.data import Message, ToolCall
from store.records.evals import ChoiceScore
from store.records.knowledge import Hit
from store.records.traces import Citation, Timings
from store.records.workspace import Sampling

if TYPE_CHECKING:
    from engine.inference.structured.constraint import Constraint
    from engine.inference.structured.structure import Structure


class Ask(msgspec.Struct):
    """A conversation to answer, with what it wants otherwise than its variant says (None: as the variant).

    `system` stands in for the variant's system prompt; `stops` end the answer; `adapters` are put on for it;
    `bias` is added to the scores of tokens. The answer is one that `constraint` allows, unless it is cut; a
    `structure` brings a constraint and judges the whole answer besides. `tools` may or must be called, as
    `tool_choice` says: `auto`, `required` or the name of one.
    `logprobs`: how many of the likeliest tokens are told beside each of the answer's; None: none at all.
    With `choices` the answer is the likeliest of them (`per_byte`: by byte of its text) and nothing is
    written: of these `answer_many` knows, and only `messages`, `retrieval` and `system` count beside.
    """

    messages: Sequence[Message]
    retrieval: bool = True
    sampling: Sampling | None = None
    system: str | None = None
    stops: Sequence[str] = ()
    adapters: AdapterSet = ()
    bias: Mapping[int, float] = {}
    constraint: Constraint | None = None
    structure: Structure | None = None
    tools: Sequence[Tool] = ()
    tool_choice: str = "auto"
    parallel_tool_calls: bool = True
    logprobs: int | None = None
    choices: Sequence[str] = ()
    per_byte: bool = False


class Answer(msgspec.Struct):
    """A complete answer. `hits` are the passages it was given, in the order of their numbers.

    `finish_reason` is `stop`, `length` (cut at max_tokens or at the end of the context: `notices` say which)
    or `stopped`; of `answer_many` also `error`: then `error` says why there is no answer. `invalid` says why
    an answer that was cut is not what its structure wants; it is empty where there is none.
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    citations: list[Citation] = []
    hits: list[Hit] = []
    notices: list[str] = []
    timings: Timings = msgspec.field(default_factory=Timings)
    logprobs: list[TokenScore] = []
    error: str = ""
    invalid: str = ""
    tool_calls: list[ToolCall] = []
    choices: list[ChoiceScore] = []


def refused(error: TemperError) -> Answer:
    """The answer to a conversation that could not be taken: none, and why."""
    return Answer("", "error", 0, 0, error=f"{error.title}: {error.happened}")


class Prompt(msgspec.Struct):
    """What the model is given: token ids and the text that they are of, the passages in it, and what had to
    be left out.
    """

    ids: list[int]
    hits: list[Hit] = []
    notices: list[str] = []
    text: str = ""
