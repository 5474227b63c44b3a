"""The passages behind an answer, one at a time, as the model was given them."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from app.tui.dialogs.base import Dialog
from app.tui.texts import visible_lines
from store.records.knowledge import Hit


class PassageDialog(Dialog[None]):
    """`passages`: number, passage, and whether the answer cites it. Opens at the first cited one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,n", "turn(1)", "Next", key_display="→"),
        Binding("left,p", "turn(-1)", "Previous", key_display="←"),
        Binding("enter", "dismiss", "Close", show=False),
    ]

    def __init__(self, passages: list[tuple[int, Hit, bool]]) -> None:
        super().__init__("Passages")
        self.passages = passages
        self.at = next((i for i, (_, _, cited) in enumerate(passages) if cited), 0)

    def body(self) -> ComposeResult:
        """Where it stands, then its text."""
        yield Static(id="passage-place")
        yield Static(id="passage-text")

    def on_mount(self) -> None:
        """Show the first."""
        self._show()

    def action_turn(self, by: int) -> None:
        """The next or previous passage, round and round."""
        self.at = (self.at + by) % len(self.passages)
        self._show()

    def _show(self) -> None:
        number, hit, cited = self.passages[self.at]
        place = Content.assemble(
            (f"[{number}] ", "$accent"),
            (hit.doc, "$primary"),
            (f"   characters {hit.start} to {hit.end}   ", "$quiet"),
            ("cited", "$success") if cited else ("given to the model, not cited", "$quiet"),
        )
        self.query_one("#passage-place", Static).update(place)
        self.query_one("#passage-text", Static).update(Content(visible_lines(hit.text)))
        self.query_one("#dialog-title", Static).update(f"Passage {self.at + 1} of {len(self.passages)}")
        self.query_one("#dialog-body", VerticalScroll).scroll_home(animate=False)
