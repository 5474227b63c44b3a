"""The fields of a form and how they are changed: turned through, chosen from names, typed in place."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from app.tui.errors import shown
from app.tui.recipe_form import RecipeForm
from app.tui.training import Choices
from app.tui.widgets.field_list import DIGITS, FieldList, ValueInput
from app.tui.widgets.long_list import LongList

OTHER = "another …"
LEAVING = {"enter": 0, "up": -1, "down": 1, "tab": 1}
MOVING = {"up": -1, "k": -1, "down": 1, "j": 1}
TURNING = {"right": 1, "space": 1, "left": -1}
NAMED = ("base", "dataset", "eval_dataset", "replay_dataset", "general", "prompt", "init_from")
"""Fields that name something of the workspace."""


class FieldEditor(Vertical):
    """Changes the form that it is given, and says so."""

    class Changed(Message):
        """A field is another now."""

    class Moved(Message):
        """The cursor is at another field."""

    def __init__(self, form: RecipeForm) -> None:
        super().__init__(id="train-left")
        self.form = form
        self._choices: Choices | None = None
        self._wanted = ""  # a field that is to be edited as soon as the names are there
        self._key = ""  # the field that is being typed into
        self._before: str | None = None  # what was typed in it before, None where nothing was

    def compose(self) -> ComposeResult:
        """The list, and the input that stands over one of its lines."""
        yield FieldList(self.form, self)
        yield ValueInput(self)

    @property
    def listed(self) -> FieldList:
        """The list."""
        return self.query_one(FieldList)

    def offer(self, choices: Choices) -> None:
        """These names can be chosen; go on with what waited for them."""
        self._choices = choices
        wanted, self._wanted = self._wanted, ""
        if wanted:
            self.edit(wanted)

    @property
    def typing(self) -> bool:
        """Whether a field is being typed into."""
        return bool(self._key)

    def on_resize(self, event: events.Resize) -> None:
        """The input stands over its line no longer."""
        self.end_typing()

    def on_long_list_moved(self, event: LongList.Moved) -> None:
        """Another field."""
        event.stop()
        if self._key != self.listed.key:  # else the message is late, and that field is typed into by now
            self.end_typing()
        self.post_message(self.Moved())

    def press(self, event: events.Key, to_list: bool) -> None:
        """Deal with a key that came to the list, or to the input over it, whichever it was meant for."""
        known = self._press_typing(event, to_list) if self.typing else self._press_list(event)
        if known:
            event.stop()
            event.prevent_default()

    def _press_typing(self, event: events.Key, to_list: bool) -> bool:
        box = self.query_one(ValueInput)
        if event.key in LEAVING:
            self.leave(LEAVING[event.key])
        elif event.key == "escape":
            self.take_back()
        elif to_list and event.key == "backspace":
            box.action_delete_left()
        elif to_list and event.is_printable and event.character:
            box.insert_text_at_cursor(event.character)
        else:
            return False  # the input knows what to do
        return True

    def _press_list(self, event: events.Key) -> bool:
        key = self.listed.key
        if event.key in MOVING:
            self.listed.action_move(MOVING[event.key])
        elif event.key in TURNING:
            self.turn(key, TURNING[event.key])
        elif event.key == "enter":
            self.edit(key)
        elif event.key in ("backspace", "delete"):
            self.reset(key)
        elif event.character and event.character in DIGITS:
            self.begin(key, event.character)
        else:
            return False
        return True

    def turn(self, key: str, by: int) -> None:
        """The next word of those that the field has."""
        names = self._names(key)
        words = [name for name, _ in names] if names else list(self.form.fields[key].words)
        if words:
            now = self.form.text(key)
            at = words.index(now) + by if now in words else 0
            self._put(key, words[at % len(words)])

    def reset(self, key: str) -> None:
        """As the preset has it."""
        self.form.reset(key)
        self.post_message(self.Changed())

    def _names(self, key: str) -> list[tuple[str, str]]:
        return self._choices.fields.get(key, []) if self._choices is not None else []

    @shown
    def edit(self, key: str) -> None:
        """Choose from what there is, or type."""
        from app.tui.dialogs.choose import ChooseDialog

        field = self.form.fields[key]
        if key in NAMED and self._choices is None:
            self._wanted = key
            return
        listed = [*names, (OTHER, "typed by hand")] if (names := self._names(key)) else []
        if field.closed:
            listed = [(word, "") for word in field.words]
        if not listed:
            self.begin(key, None)
            return

        def chosen(word: str | None) -> None:
            if word == OTHER:
                self.begin(key, None)
            elif word is not None:
                self._put(key, word)

        self.app.push_screen(ChooseDialog(key, listed, self.form.text(key)), chosen)

    def _put(self, key: str, text: str) -> None:
        self.form.put(key, text)
        self.post_message(self.Changed())

    def begin(self, key: str, text: str | None) -> None:
        """Type anew from `text`; None: go on from what stands there. Not where there are words alone."""
        if self.form.fields[key].closed:
            return
        box = self.query_one(ValueInput)
        x, y, width = self.listed.value_place()
        self._key, self._before = key, self.form.own.get(key)
        box.styles.offset = (x, y)
        box.styles.width = width
        with box.prevent(Input.Changed):
            box.value = self.form.text(key) if text is None else text
        box.cursor_position = len(box.value)
        box.display = True
        self.screen.set_focus(box)  # now: `focus` would let the next key go by
        if text is not None:
            self._put(key, text)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Every letter counts, also while there are more to come."""
        event.stop()
        if self.typing:
            self._keep()

    def _keep(self) -> None:
        value = self.query_one(ValueInput).value
        if value != self.form.text(self._key):
            self._put(self._key, value)

    def leave(self, by: int) -> None:
        """Keep what was typed and go so many lines further."""
        self.end_typing()
        if by:
            self.listed.action_move(by)

    def take_back(self) -> None:
        """What stood there before."""
        key, box = self._key, self.query_one(ValueInput)
        with box.prevent(Input.Changed):
            box.value = self.form.text(key)
        self.end_typing()
        if self._before is None:
            self.reset(key)
        else:
            self._put(key, self._before)

    def end_typing(self) -> None:
        """Back to the list, with what was typed."""
        if self.typing:
            self._keep()
            self._key = ""
            self.query_one(ValueInput).display = False
            self.screen.set_focus(self.listed)
