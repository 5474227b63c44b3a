"""One question under way: a thread that reads the answer and tells the chat screen each piece.

Not one of Textual's thread workers: closing the app waits for those, and a server may take long to start.
"""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING

from textual.message import Message as TextualMessage
from textual.message_pump import MessagePump

from app.tui.chat_feed import ChatFeed, Ending, Piece
from app.tui.messages import Failed
from store.records.data import Message

if TYPE_CHECKING:
    from app.tui.widgets.turn import Turn


class Asking:
    """Asks `feed` in a thread; `listener` gets Grew messages, errors go to its app."""

    class Grew(TextualMessage):
        """A piece of the answer has come."""

        def __init__(self, asking: Asking, piece: Piece) -> None:
            super().__init__()
            self.asking = asking
            self.piece = piece

    def __init__(
        self, listener: MessagePump, turn: Turn, feed: ChatFeed, messages: list[Message], retrieval: bool
    ) -> None:
        self.turn = turn
        self._listener = listener
        self._feed = feed
        self._messages = messages
        self._retrieval = retrieval
        self._stopped = threading.Event()

    def start(self) -> None:
        """Ask now."""
        # Textual finds the app of a thread in its context.
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._read,), name="asking", daemon=True).start()

    def stop(self) -> None:
        """No more pieces; the connection is closed, which also ends the work in the server."""
        self._stopped.set()
        self._feed.close()

    def _read(self) -> None:
        try:
            for piece in self._feed.answer(
                self.turn.variant, self._messages, self._retrieval, self._stopped.is_set
            ):
                self._tell(piece)
        except Exception as error:
            if not self._stopped.is_set():
                self._listener.app.post_message(Failed(error))
                self._tell(Piece(ending=Ending("failed")))

    def _tell(self, piece: Piece) -> None:
        if not self._stopped.is_set():
            self._listener.post_message(self.Grew(self, piece))
