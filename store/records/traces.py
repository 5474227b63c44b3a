"""One served request as it is logged: question, retrieval, answer and timings."""

from __future__ import annotations

from typing import Literal

import msgspec

from store.records.data import Message
from store.records.knowledge import Hit


class Citation(msgspec.Struct):
    """Passage number `n` of the answer's context, as the reader can open it.

    `by` says who attributes: the model wrote the number, or its answer's words overlap with the passage.
    `date` is the document's; `stale` says why it may be out of date, and is empty where nothing says so.
    """

    n: int
    doc: str
    start: int
    end: int
    by: Literal["model", "overlap"] = "model"
    date: str = ""
    stale: str = ""


class Support(msgspec.Struct):
    """The sentence `answer[start:end]`, the passages that it cites, and whether they say what it says.

    `why` tells what is missing where it is not `supported`. engine.retrieval.support gives `score` its scale.
    """

    start: int
    end: int
    cited: list[int]
    supported: bool
    score: float = 0.0
    why: str = ""


class Timings(msgspec.Struct):
    """Milliseconds of each part; `first_token_ms` counts from the start of generation."""

    retrieval_ms: float = 0.0
    first_token_ms: float = 0.0
    total_ms: float = 0.0


class Trace(msgspec.Struct, omit_defaults=True):
    """A line of `.temper/traces/*.jsonl`."""

    trace_id: str
    time: str
    variant: str
    messages: list[Message]
    answer: str
    finish_reason: str = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    hits: list[Hit] = []
    citations: list[Citation] = []
    timings: Timings = msgspec.field(default_factory=Timings)
    error: str = ""
