"""The card with the next sensible step."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from app.tui.next_step import NextStep

_ENTER = {
    "command": "copies it",
    "runs": "shows it",
    "chat": "opens the chat",
    "train": "opens the form",
    "knowledge": "opens the documents",
    "evals": "opens the evals",
}


class NextCard(Static, can_focus=True):
    """Enter takes the step."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Take the step"),
        Binding("c", "copy", "Copy the command", show=False),
    ]

    class Taken(Message):
        """The user wants the step."""

        def __init__(self, step: NextStep) -> None:
            super().__init__()
            self.step = step

    def __init__(self) -> None:
        super().__init__("Looking at the runs …", id="next-step", classes="card")
        self.step: NextStep | None = None

    def show(self, step: NextStep) -> None:
        """Show `step`, if it is another one."""
        if step == self.step:
            return
        self.step = step
        self.update(
            Content.assemble(
                ("NEXT STEP", "$accent"),
                (f"   enter {_ENTER[step.place]}\n", "$quiet"),
                (f"{step.title}\n", "bold"),
                (f"{step.why}\n\n", "$quiet"),
                (step.command, "bold $primary"),
            )
        )

    def action_take(self) -> None:
        """Tell the screen."""
        if self.step is not None:
            self.post_message(self.Taken(self.step))

    def action_copy(self) -> None:
        """Take its command along."""
        if self.step is not None:
            self.app.copy_to_clipboard(self.step.command)
            self.notify(f"Copied: {self.step.command}")

    def on_click(self) -> None:
        """A click is an enter."""
        self.action_take()
