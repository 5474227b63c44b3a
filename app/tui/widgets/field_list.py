"""The fields of a recipe as a list: section heads, a line per field, marks where one differs or is wrong.

A field is edited in place: words are turned through, anything else is typed into one input over its line.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Input

from app.tui.recipe_form import RecipeForm
from app.tui.texts import fit
from app.tui.widgets.long_list import LongList, Parts

KEY_CELLS = 23
VALUE_CELLS = 14  # that a value has at least where keys are long
DIGITS = "0123456789.-"
_LEFT = 3  # cells before a key: the list's own margin, the mark, a space


class Editing(Protocol):
    """How fields are changed. Called, not sent messages: the next key may have been pressed already."""

    def press(self, event: events.Key, to_list: bool) -> None:
        """Deal with a key that came to the list, or to the input over it, whichever it was meant for."""

    def edit(self, key: str) -> None:
        """Choose from what there is, or type."""

    def turn(self, key: str, by: int) -> None:
        """The next or previous word."""

    def reset(self, key: str) -> None:
        """As the preset has it."""

    def leave(self, by: int) -> None:
        """Keep what was typed and go so many lines further."""

    def take_back(self) -> None:
        """What stood there before."""


class FieldList(LongList):
    """Shows a form; `editing` changes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Change", key_display="⏎"),
        Binding("right,space", "turn(1)", "Next value", show=False),
        Binding("left", "turn(-1)", "Value before", show=False),
        Binding("backspace,delete", "reset", "As in the preset", show=False),
    ]

    def __init__(self, form: RecipeForm, editing: Editing) -> None:
        super().__init__("field-list")
        self.form = form
        self.editing = editing
        self._lines: list[tuple[str, bool]] = [
            line
            for title, keys in form.sections().items()
            for line in [(title, True), *((key, False) for key in keys)]
        ]

    def on_mount(self) -> None:
        """Every field is there from the first frame on."""
        self.set_count(len(self._lines))

    @property
    def key(self) -> str:
        """The field under the cursor."""
        return self._lines[self.cursor][0] if self.cursor < len(self._lines) else ""

    def go_to(self, key: str) -> bool:
        """Put the cursor on a field; False where there is none of that name."""
        places = [place for place, line in enumerate(self._lines) if line == (key, False)]
        if places:
            self.cursor = places[0]
        return bool(places)

    def is_head(self, index: int) -> bool:
        """Whether a line names a section."""
        return self._lines[index][1]

    def line(self, index: int, width: int) -> Parts:
        """`● lora.rank   32`."""
        name, head = self._lines[index]
        if head:
            return [(fit(name.upper(), width), "$accent")]
        form = self.form
        wrong, differs = bool(form.problems_of(name)), form.differs(name)
        mark, shade = ("✗", "$error") if wrong else ("●", "$warning") if differs else (" ", "")
        quiet = "$faint" if form.ignored(name) else "$quiet"
        value = form.text(name)
        style = "$error" if wrong else "bold" if differs else "$faint" if form.ignored(name) else ""
        column = key_cells(width)
        shown = value or ("choose one" if name in ("base", "dataset") else "-")
        return [
            (f"{mark} ", shade),
            (fit(name, column - 1) + " ", quiet),
            (fit(shown, max(1, width - column - 2)), style if value else "$faint"),
        ]

    def value_place(self) -> tuple[int, int, int]:
        """Where the value under the cursor stands in the list: column, line, cells."""
        width = max(1, self.scrollable_content_region.width - 2)
        column = key_cells(width)
        return column + _LEFT, self.cursor - self.scroll_offset.y, max(4, width - column - 2)

    def action_choose(self) -> None:
        """Change the field."""
        self.editing.edit(self.key)

    def action_turn(self, by: int) -> None:
        """The next or previous word."""
        self.editing.turn(self.key, by)

    def action_reset(self) -> None:
        """Take back what was typed."""
        self.editing.reset(self.key)

    def on_key(self, event: events.Key) -> None:
        """At once: a key that goes up to its binding would be overtaken by the digit behind it."""
        self.editing.press(event, to_list=True)

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Digits are typed here."""
        return bool(character) and str(character) in DIGITS


def key_cells(width: int) -> int:
    """How many of `width` cells are a key's; the value has the rest."""
    return min(KEY_CELLS, max(width // 2, width - VALUE_CELLS))


class ValueInput(Input):
    """Over the value of one field while it is typed; the list goes on with the arrows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "leave(-1)", "Keep, field above", show=False),
        Binding("down,tab", "leave(1)", "Keep, field below", show=False),
        Binding("enter", "leave(0)", "Keep", key_display="⏎"),
        Binding("escape", "take_back", "Take back", key_display="esc"),
    ]

    def __init__(self, editing: Editing) -> None:
        super().__init__(id="field-value", compact=True, select_on_focus=False)
        self.editing = editing
        self.display = False

    def action_leave(self, by: int) -> None:
        """Keep what was typed."""
        self.editing.leave(by)

    def action_take_back(self) -> None:
        """Undo."""
        self.editing.take_back()

    def on_key(self, event: events.Key) -> None:
        """At once, too."""
        self.editing.press(event, to_list=False)
