"""How a running server is found, and what it streams: shared by server and clients."""

from __future__ import annotations

import msgspec

from store.records.data import ToolCall
from store.records.knowledge import Hit
from store.records.traces import Citation, Support, Timings


class ServerFile(msgspec.Struct):
    """The content of `.temper/server.json` (mode 0600).

    `url` is loopback, without a trailing slash; `variant_sha256` identifies what is loaded, empty while
    nothing is. `foreground`: somebody runs it in a terminal and wants to keep it.
    """

    url: str
    token: str
    pid: int
    variant: str
    variant_sha256: str
    foreground: bool = False


class TokenLogprob(msgspec.Struct):
    """A token of an answer: its text (maybe part of a character), bytes, and log-probability by the model.

    `top` are the likeliest tokens in its place, the best first.
    """

    token: str
    logprob: float
    bytes: list[int]
    top: list[TokenLogprob] = []


class ChatDelta(msgspec.Struct, omit_defaults=True):
    """Some more text of an answer; the last one has a `finish_reason` and all that is known at the end.

    `finish_reason` is `stop`, `length` or `stopped`. `answer` is the whole answer as it should be kept:
    citations of passages that do not exist are taken out. `invalid` says why an answer that was cut is not
    what its schema wants. `notices` are for people: what had to be left out. `logprobs` are those of the
    tokens that `text` comes from, where they were asked for. `trace`, which clients get with every piece, is
    the id of the request among the traces.
    """

    text: str = ""
    finish_reason: str | None = None
    answer: str = ""
    citations: list[Citation] = []
    support: list[Support] = []
    hits: list[Hit] = []
    notices: list[str] = []
    timings: Timings | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    invalid: str = ""
    tool_calls: list[ToolCall] = []
    logprobs: list[TokenLogprob] = []
    trace: str = ""
