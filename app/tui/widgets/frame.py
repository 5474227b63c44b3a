"""The frame around every screen: a bar on top (where am I), key hints below (what can I do)."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.keys import key_to_character
from textual.screen import Screen
from textual.widgets import Static

from app.tui.texts import fit

MODES = {
    "home": "Home",
    "runs": "Runs",
    "chat": "Chat",
    "data": "Data",
    "knowledge": "Knowledge",
    "evals": "Evals",
}
ROOM = 12  # cells for the brand and what is around it
GAP = "   "  # between two hints
KEPT = ("help", "back")  # actions that are hinted at however little room there is


Keyed = list[tuple[Content, str]]
"""Texts of a line, each with the key that a click on it presses, "" for none."""


class Line(Static):
    """Text with stretches that press a key when clicked; mostly one line."""

    ALLOW_SELECT = False

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._keys: list[tuple[int, int, int, str]] = []

    def lay(self, parts: Keyed) -> None:
        """Show `parts` one after the other."""
        self._note([parts])
        self.update(Content("").join([part for part, _ in parts]), layout=False)

    def lay_lines(self, lines: list[Keyed]) -> None:
        """Show several lines of parts."""
        self._note(lines)
        self.update(Content("\n").join(Content("").join([part for part, _ in parts]) for parts in lines))

    def _note(self, lines: list[Keyed]) -> None:
        self._keys = []
        for row, parts in enumerate(lines):
            start = 0
            for part, key in parts:
                self._keys.append((row, start, start + part.cell_length, key))
                start += part.cell_length

    def on_click(self, event: events.Click) -> None:
        """Press the key under the mouse."""
        offset = event.get_content_offset(self)
        for row, start, end, key in self._keys:
            if key and offset is not None and offset.y == row and start <= offset.x < end:
                self.app.simulate_key(key)


class Bar(Line):
    """Brand, workspace, the modes with the current one lit."""

    def __init__(self, workspace: str, mode: str, keys: tuple[str, ...]) -> None:
        super().__init__(id="bar")
        self.workspace = workspace
        self.mode = mode
        self.keys = keys

    def on_resize(self) -> None:
        """The modes stand at the right edge, closer where the name has no room; outside a workspace none."""
        width, brand = self.content_size.width, Content.styled("◆ temper", "bold $accent")
        tabs = self._tabs("   ")
        if sum(tab.cell_length for tab, _ in tabs) + cell_len(self.workspace) + ROOM > width:
            tabs = self._tabs("  ")
        taken = sum(tab.cell_length for tab, _ in tabs)
        room = max(0, width - taken - ROOM)
        name = fit(self.workspace, min(room, cell_len(self.workspace)))
        left = Content.assemble(brand, "  ", (name, "$quiet"))
        gap = Content(" " * max(1, width - left.cell_length - taken))
        self.lay([(left, ""), (gap, ""), *tabs])

    def _tabs(self, gap: str) -> list[tuple[Content, str]]:
        if not self.workspace:
            return []
        return [(self._tab(key, mode, gap), key.lower()) for key, mode in zip(self.keys, MODES, strict=True)]

    def _tab(self, key: str, mode: str, gap: str) -> Content:
        style = "bold $foreground" if mode == self.mode else "$quiet"
        return Content.assemble(gap, (key, "$accent"), " ", (MODES[mode], style))


class Hints(Line):
    """The keys that do something here. Cheaper than Textual's Footer, which mounts a widget per key."""

    def __init__(self) -> None:
        super().__init__(id="hints")

    def on_mount(self) -> None:
        """Follow the screen's bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def on_resize(self) -> None:
        """Show as many as fit."""
        self._changed(self.screen)

    def _changed(self, screen: Screen[object]) -> None:
        room = self.content_size.width
        if not self.is_attached or not room:
            return
        hints: dict[str, tuple[Content, str]] = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            if not (binding.show and active.enabled) or binding.action in hints or typed(screen, binding):
                continue
            key = self.app.get_key_display(binding)
            hint = Content.assemble((key, "bold $accent"), " ", (binding.description, "$quiet"))
            hints[binding.action] = (hint, binding.key)
        self.lay([part for hint in fitting(hints, room) for part in (hint, (Content(GAP), ""))])


def fitting(hints: dict[str, tuple[Content, str]], room: int) -> Keyed:
    """Of the hints, by their actions, as many as fit; help and the way back always."""
    shown, left = set[str](), room
    for action in sorted(hints, key=lambda action: action not in KEPT):  # it keeps the order of the others
        cells = hints[action][0].cell_length
        if cells <= left:
            shown.add(action)
            left -= cells + len(GAP)
    return [hint for action, hint in hints.items() if action in shown]


def typed(screen: Screen[object], binding: Binding) -> bool:
    """Whether the key would only be typed into the field that has the focus."""
    if binding.priority or screen.focused is None:
        return False
    character = "/" if binding.key == "slash" else key_to_character(binding.key)  # which knows no slash
    return screen.focused.check_consume_key(binding.key, character)
