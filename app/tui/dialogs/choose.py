"""One of several things, by name."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from app.tui.dialogs.base import Dialog


class Choices(OptionList):
    """Says what its key does."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Choose")]


class ChooseDialog(Dialog[str]):
    """Dismissed with the chosen key. `choices`: key and what is said about it."""

    AUTO_FOCUS = "OptionList"

    def __init__(self, title: str, choices: list[tuple[str, str]], current: str | None) -> None:
        super().__init__(title)
        self.choices = choices
        self.current = current

    def body(self) -> ComposeResult:
        """The list."""
        width = max((len(key) for key, _ in self.choices), default=0) + 3
        yield Choices(
            *(
                Option(Content.assemble((key.ljust(width), "bold"), (about, "$quiet")), id=key)
                for key, about in self.choices
            )
        )

    def on_mount(self) -> None:
        """Start at the current one."""
        keys = [key for key, _ in self.choices]
        self.query_one(OptionList).highlighted = keys.index(self.current) if self.current in keys else 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter or a click."""
        self.dismiss(event.option.id)
