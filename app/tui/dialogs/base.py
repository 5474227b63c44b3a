"""The window every dialog is: a box in the middle, a title, a body, its keys below."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from app.tui.widgets.frame import Hints

Answer = TypeVar("Answer")


class Dialog(ModalScreen[Answer]):
    """Give `title` and `body`; escape closes. `LOOK` is a class of the style sheet: info, bad, ask."""

    CSS_PATH = Path(__file__).with_name("dialogs.tcss")
    LOOK: ClassVar[str] = "info"
    AUTO_FOCUS = "#dialog-body"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close", key_display="esc")]

    def __init__(self, title: str) -> None:
        super().__init__()
        self.heading = title

    def compose(self) -> ComposeResult:
        """The box."""
        with Vertical(id="dialog", classes=self.LOOK):
            yield Static(Content(self.heading), id="dialog-title")
            with VerticalScroll(id="dialog-body"):
                yield from self.body()
            yield Hints()

    def body(self) -> ComposeResult:
        """What the dialog says."""
        yield from ()
