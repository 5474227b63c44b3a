"""A name for something that is about to be written."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Static

from app.tui.dialogs.base import Dialog


class NameInput(Input):
    """Says what its key does."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Write", key_display="⏎")]


class NameDialog(Dialog[str]):
    """Dismissed with the name; with nothing on escape. `taken`: names that would be written over."""

    LOOK = "ask"
    AUTO_FOCUS = "NameInput"

    def __init__(self, title: str, text: str, name: str, taken: frozenset[str]) -> None:
        super().__init__(title)
        self.text = text
        self.name_given = name
        self.taken = taken

    def body(self) -> ComposeResult:
        """What it is for, the name, what stands against it."""
        yield Static(Content.styled(self.text, "$quiet"))
        yield NameInput(self.name_given, id="name", compact=True)
        yield Static(id="name-note")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once where a name cannot be taken, or takes something's place."""
        self.query_one("#name-note", Static).update(self._note(event.value.strip()))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter, on a name that can be one."""
        name = event.value.strip()
        if is_name(name):
            self.dismiss(name)

    def _note(self, name: str) -> Content:
        if not is_name(name):
            return Content.styled(
                "Letters, digits, dashes, dots and underscores, a letter or digit first.", "$error"
            )
        if name in self.taken:
            return Content.styled(f"{name} is there already and would be written over.", "$warning")
        return Content("")


def is_name(text: str) -> bool:
    """Whether a text can be the name of a file in the workspace: no path, nothing hidden."""
    return bool(text) and text[0].isalnum() and all(one.isalnum() or one in "-_." for one in text)
