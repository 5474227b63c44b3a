"""The step that mends a finding: its exact command, to copy, or to run where running it is safe."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from app.tui.dialogs.base import Dialog
from app.tui.texts import visible
from store.records.findings import Finding


class FixDialog(Dialog[bool]):
    """Dismissed with True when the command is to be run. `command`: the one in the remedy, empty for none."""

    LOOK = "ask"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Run it"),
        Binding("c", "copy", "Copy"),
        Binding("escape,n", "answer(False)", "Close", key_display="esc"),
    ]

    def __init__(self, finding: Finding, command: str, runnable: bool) -> None:
        super().__init__(visible(finding.title))
        self.finding = finding
        self.command = command
        self.runnable = runnable

    def body(self) -> ComposeResult:
        """What is wrong, the command, what it will do."""
        if self.finding.detail:
            yield Static(Content(visible(self.finding.detail)))
        yield Static("What to do", classes="label")
        yield Static(Content.styled(visible(self.finding.remedy), "bold $primary"), id="fix-command")
        if self.runnable:
            after = "\nIt makes a new version of the dataset and changes nothing in this one."
            yield Static(Content.styled(after, "$quiet"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint for what cannot be done from here."""
        return self.runnable if action == "answer" and parameters == (True,) else True

    def action_copy(self) -> None:
        """Put the command on the clipboard."""
        self.app.copy_to_clipboard(self.command or self.finding.remedy)
        self.notify("Copied.")

    def action_answer(self, answer: bool) -> None:
        """Close with the answer."""
        self.dismiss(answer)
