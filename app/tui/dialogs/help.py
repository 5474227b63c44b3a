"""Every key that does something on a screen, taken from its live bindings, so that it cannot be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import ActiveBinding, Binding, BindingsMap, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from app.tui.dialogs.base import Dialog

ALWAYS = (
    ("↑ ↓ ← →", "Move, scroll"),
    ("tab", "Next part of the screen"),
    ("^p", "All commands"),
    ("^q", "Quit"),
)


class HelpDialog(Dialog[None]):
    """Opened over `screen`: keys of the screen and of what has the focus, then keys that work everywhere."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1,enter", "dismiss", "Close", show=False)
    ]

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__("Keys")
        ours = [active for active in screen.active_bindings.values() if is_ours(active)]
        self.here = [active for active in ours if not isinstance(active.node, App)]
        named = {active.binding.description for active in self.here}
        self.everywhere = [
            one for one in ours if isinstance(one.node, App) and one.binding.description not in named
        ]

    def body(self) -> ComposeResult:
        """Two columns."""
        with Horizontal(id="help"):
            with Vertical():
                yield Static("On this screen", classes="label")
                yield Static(table(list(self._rows(self.here))))
            with Vertical():
                yield Static("Everywhere", classes="label")
                yield Static(table([*self._rows(self.everywhere), *ALWAYS]))

    def _rows(self, bindings: list[ActiveBinding]) -> Iterator[tuple[str, str]]:
        """Keys and what they do; several keys for one thing share a row."""
        keys: dict[str, list[str]] = {}
        for active in bindings:
            shown = self.app.get_key_display(active.binding)
            names = keys.setdefault(active.binding.description, [])
            if shown not in names:
                names.append(shown)
        yield from ((" ".join(names), description) for description, names in keys.items())


def is_ours(active: ActiveBinding) -> bool:
    """Whether one of our classes declares the binding; what Textual's widgets bring goes without saying."""
    for kind in type(active.node).__mro__:
        if kind.__module__.startswith("app.tui") and "BINDINGS" in vars(kind):
            declared = BindingsMap(vars(kind)["BINDINGS"])
            if active.binding in declared.key_to_bindings.get(active.binding.key, ()):
                return True
    return False


def table(rows: list[tuple[str, str]]) -> Content:
    """Two columns."""
    width = max(len(keys) for keys, _ in rows) if rows else 0
    return Content("\n").join(
        Content.assemble((keys.ljust(width + 3), "bold $accent"), description) for keys, description in rows
    )
