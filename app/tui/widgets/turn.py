"""One turn of a conversation: the question, the answer as it grows, the passages it rests on."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message as TextualMessage
from textual.widgets import Static

from app.tui.chat_feed import Ending, Piece
from app.tui.texts import visible_lines
from app.tui.words import cut
from store.records.data import Message
from store.records.knowledge import Hit

_CITED = {True: ("$accent", "$primary"), False: ("$faint", "$quiet")}  # of number and name


class Turn(Vertical, can_focus=True, can_focus_children=False):
    """Focus it and press enter to read its passages; `trace` is the id of the request behind it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "passages", "Passages"),
        Binding("a", "keep", "Keep as a case"),
    ]

    class Said(TextualMessage):
        """The user wants something of this turn."""

        def __init__(self, turn: Turn) -> None:
            super().__init__()
            self.turn = turn

    class Passages(Said):
        """To read what the answer rests on."""

    class Kept(Said):
        """To make it a case of a suite."""

    def __init__(self, question: str, variant: str) -> None:
        super().__init__()
        self.question = question
        self.variant = variant
        self.answer = ""
        self.trace = ""
        self.ending: Ending | None = None

    def compose(self) -> ComposeResult:
        """Question, who answers, answer, footnotes."""
        yield Static(Content(visible_lines(self.question)), classes="question")
        yield Static(Content(self.variant), classes="who")
        yield Static(Content.styled("starting …", "$quiet"), classes="answer")
        yield Static(classes="notes")

    @property
    def passages(self) -> list[tuple[int, Hit, bool]]:
        """Number, passage, and whether the answer cites it."""
        if self.ending is None:
            return []
        cited = {citation.n for citation in self.ending.citations}
        return [(n, hit, n in cited) for n, hit in enumerate(self.ending.hits, 1)]

    @property
    def messages(self) -> list[Message]:
        """The turn as the model is shown it in later turns; nothing where no answer came."""
        if not self.answer:
            return []
        return [Message("user", self.question), Message("assistant", self.answer)]

    def say(self, status: str) -> None:
        """What happens before the first word."""
        if not self.answer:
            self.query_one(".answer", Static).update(Content.styled(status, "$quiet"))

    def add(self, piece: Piece) -> None:
        """Let the answer grow; with the last piece come the footnotes."""
        self.answer += piece.text
        self.trace = piece.trace or self.trace
        if piece.text:
            self.query_one(".answer", Static).update(Content(visible_lines(self.answer)))
        if piece.ending is not None:
            self.end(piece.ending)

    def end(self, ending: Ending) -> None:
        """The answer is complete, or will never be."""
        self.ending = ending
        self.add_class("ended")
        if not self.answer:
            self.say("stopped" if ending.finish_reason == "stopped" else "no answer")
        if (timings := ending.timings) is not None:
            took = f"   {timings.first_token_ms:,.0f} ms to the first word, {timings.total_ms / 1000:.1f} s"
            self.query_one(".who", Static).update(Content.assemble(self.variant, (took, "$faint")))
        line = self._notes(ending)
        self.query_one(".notes", Static).update(line)
        self.set_class(bool(line), "noted")

    def _notes(self, ending: Ending) -> Content:
        parts = [
            Content.assemble((f"[{n}] ", _CITED[cited][0]), (cut(name(hit), 28), _CITED[cited][1]))
            for n, hit, cited in self.passages
        ]
        if ending.finish_reason == "length":
            parts.append(Content.styled("cut off at the longest answer", "$warning"))
        if ending.finish_reason == "stopped":
            parts.append(Content.styled("stopped", "$warning"))
        return Content("   ").join(parts)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint where there is nothing to read or to keep."""
        if action == "keep":
            return self.can_be_kept
        return bool(self.passages) if action == "passages" else True

    @property
    def can_be_kept(self) -> bool:
        """Whether there is an answer whose request can be found again."""
        return self.ending is not None and bool(self.answer and self.trace)

    def action_passages(self) -> None:
        """Tell the screen."""
        self.post_message(self.Passages(self))

    def action_keep(self) -> None:
        """The same."""
        self.post_message(self.Kept(self))

    def on_click(self) -> None:
        """A click reads the passages."""
        if self.passages:
            self.action_passages()


def name(hit: Hit) -> str:
    """A passage's document, as people call it."""
    return hit.title or hit.doc.rsplit("/", 1)[-1]
