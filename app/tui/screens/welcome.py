"""The first page outside a workspace: what Temper is, how to make one. Goes on by itself when it is made."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from app.tui.errors import shown
from app.tui.screens.base import TemperScreen
from app.tui.words import middle_cut, tilde
from store.paths import find_workspace
from store.workspace import Workspace

LOOK_SECONDS = 1.0
MAKE = "temper init . --template support"

_TEMPLATES = (
    ("support", "answer a customer's message with one intent, as JSON"),
    ("contracts", "say what is wrong with a smart contract, as JSON"),
    ("research", "answer from your own documents"),
    ("blank", "an empty workspace with every setting explained"),
)


class WelcomeScreen(TemperScreen):
    """Shown while `start` and the folders above it hold no temper.toml."""

    CSS_PATH = "welcome.tcss"
    MODE = "home"
    AUTO_FOCUS = "#welcome"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("c,enter", "copy", "Copy the command", key_display="c")]

    def __init__(self, start: Path) -> None:
        super().__init__()
        self.start = start

    def body(self) -> ComposeResult:
        """The page."""
        with VerticalScroll(id="welcome"):
            yield Static("A workbench for small models on your own data", classes="headline")
            yield Static(
                "Find out what is broken, try the cheapest fix first, train a small adapter on this machine, "
                "prove that the exported file behaves like the trained one, and serve it.",
                classes="quiet",
            )
            yield Static(self._first_step(), id="next-step", classes="card")
            yield Static(self._templates(), id="templates")
            yield Static(
                Content.assemble(
                    ("Or see the whole loop first, offline:  ", "$quiet"), ("temper demo", "$primary")
                )
            )

    def on_mount(self) -> None:
        """Look for a workspace now and then."""
        self._looking = self.set_interval(LOOK_SECONDS, self._look)

    def _first_step(self) -> Content:
        return Content.assemble(
            ("FIRST STEP\n", "$accent"),
            ("Make a workspace\n", "bold"),
            (f"{middle_cut(tilde(self.start), 40)} is not one yet. In another terminal, type\n\n", "$quiet"),
            (f"  {MAKE}\n\n", "bold $primary"),
            ("This page goes on by itself when it is done.", "$quiet"),
        )

    def _templates(self) -> Content:
        lines = [
            Content.assemble((name.ljust(11), "$primary"), (what, "$quiet")) for name, what in _TEMPLATES
        ]
        return Content("\n").join([Content.styled("Templates", "bold"), *lines])

    @shown
    def _look(self) -> None:
        root = find_workspace(self.start.resolve())
        if root is not None:
            self._looking.stop()
            self.temper.open(Workspace(root))

    def action_copy(self) -> None:
        """Put the command on the clipboard."""
        self.app.copy_to_clipboard(MAKE)
        self.notify(f"Copied: {MAKE}")
