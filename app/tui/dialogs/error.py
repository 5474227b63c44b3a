"""An error as a dialog: what it is called, what happened, what to do."""

from __future__ import annotations

import os
import traceback
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from app.tui.dialogs.base import Dialog
from store.errors import TemperError


class ErrorDialog(Dialog[None]):
    """Shows one TemperError; with TEMPER_DEBUG also where it came from."""

    LOOK = "bad"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "dismiss", "Close", show=False),
        Binding("c", "copy", "Copy"),
    ]

    def __init__(self, error: TemperError) -> None:
        super().__init__(error.title)
        self.error = error

    def body(self) -> ComposeResult:
        """The three parts."""
        yield Static(Content(self.error.happened))
        yield Static("What to do", classes="label")
        yield Static(Content(self.error.remedy), classes="remedy")
        if os.environ.get("TEMPER_DEBUG"):
            yield Static(Content("".join(traceback.format_exception(self.error))), classes="quiet")

    def action_copy(self) -> None:
        """Put the whole text on the clipboard."""
        self.app.copy_to_clipboard(f"{self.error.title}\n{self.error.happened}\n{self.error.remedy}")
        self.notify("Copied.")

    def same_as(self, other: ErrorDialog) -> bool:
        """Whether both say the same: an error that repeats needs no second dialog."""
        return str(self.error) == str(other.error)
