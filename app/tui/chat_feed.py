"""Answers from the local server as the chat wants them: in pieces a person can follow, stoppable.

Runs in a thread. The one place in the terminal UI that knows the server's client.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from store.records.data import Message
from store.records.knowledge import Hit
from store.records.traces import Citation, Timings
from store.workspace import Workspace

if TYPE_CHECKING:
    from engine.serving.client import Client
    from store.records.serving import ChatDelta

PIECE_SECONDS = 0.05  # text is handed on at most this often: the screen is drawn per piece, not per token


class Ending(msgspec.Struct):
    """What is known once an answer is complete."""

    finish_reason: str = "stop"
    citations: list[Citation] = []
    hits: list[Hit] = []
    timings: Timings | None = None


class Piece(msgspec.Struct):
    """Some more text of an answer; the last piece of an answer has an `ending`.

    `trace` is the id by which the whole request can be found again.
    """

    text: str = ""
    ending: Ending | None = None
    trace: str = ""


class ChatFeed:
    """The chat's connection: starts the server when none runs, keeps one client per variant."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._client: Client | None = None

    def answer(
        self, variant: str | None, messages: list[Message], retrieval: bool, stopped: Callable[[], bool]
    ) -> Iterator[Piece]:
        """The answer to the last of `messages`, until it ends or `stopped` says so.

        Raises TemperError when the variant cannot be loaded or the server is lost.
        """
        from engine.serving.client import ensure_server

        self._client = ensure_server(self._workspace, variant)
        try:
            if not stopped():
                yield from in_pieces(self._client.chat(messages, retrieval=retrieval), stopped)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the server, which also ends an answer under way; it goes on for other clients."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


def in_pieces(deltas: Iterator[ChatDelta], stopped: Callable[[], bool]) -> Iterator[Piece]:
    """Join what comes within PIECE_SECONDS; end early when `stopped`."""
    text, trace, shown_at = "", "", 0.0
    for delta in deltas:
        text, trace = text + delta.text, delta.trace
        if delta.finish_reason:
            ending = Ending(delta.finish_reason, delta.citations, delta.hits, delta.timings)
            yield Piece(text, ending, trace)
            return
        if stopped():
            break
        if text and time.monotonic() - shown_at >= PIECE_SECONDS:
            yield Piece(text, trace=trace)
            text, shown_at = "", time.monotonic()
    yield Piece(text, Ending("stopped"), trace)
