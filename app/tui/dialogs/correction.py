"""What would have been the right answer, for one that is to become a case."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Static

from app.tui.dialogs.base import Dialog
from app.tui.texts import visible

ASKED = 300  # characters of the question that are shown


class CorrectionInput(Input):
    """Says what its key does."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Keep as a case", key_display="⏎")]


class CorrectionDialog(Dialog[str]):
    """Dismissed with the right answer, "" where nobody knows it; with nothing on escape."""

    LOOK = "ask"
    AUTO_FOCUS = "CorrectionInput"

    def __init__(self, question: str) -> None:
        super().__init__("What should have been answered?")
        self.question = question

    def body(self) -> ComposeResult:
        """The question, the answer to it, what happens without one."""
        yield Static(Content.styled(visible(self.question[:ASKED]), "$quiet"))
        yield CorrectionInput(id="correction", compact=True)
        yield Static(Content.styled("Left empty: anything but the answer that was given.", "$quiet"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        self.dismiss(event.value.strip())
