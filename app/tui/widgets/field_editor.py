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
from app.tui.widgets.field_list import FieldList, ValueInput
from app.tui.widgets.long_list import LongList

OTHER = "another …"
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
        self._before: str | None = None  # what was typed in the field before, None where nothing was

    def compose(self) -> ComposeResult:
        """The list, and the input that stands over one of its lines."""
        yield FieldList(self.form)
        yield ValueInput()

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

    def on_resize(self, event: events.Resize) -> None:
        """The input stands over its line no longer."""
        self.end_typing()

    def on_long_list_moved(self, event: LongList.Moved) -> None:
        """Another field."""
        event.stop()
        self.end_typing()
        self.post_message(self.Moved())

    @shown
    def on_long_list_chosen(self, event: LongList.Chosen) -> None:
        """Enter on a field."""
        event.stop()
        self.edit(self.listed.key)

    def on_field_list_turned(self, event: FieldList.Turned) -> None:
        """The next word of those that the field has."""
        names = self._names(event.key)
        words = [name for name, _ in names] if names else list(self.form.fields[event.key].words)
        if words:
            now = self.form.text(event.key)
            at = words.index(now) + event.by if now in words else 0
            self._put(event.key, words[at % len(words)])

    def on_field_list_reset(self, event: FieldList.Reset) -> None:
        """As the preset has it."""
        self.form.reset(event.key)
        self.post_message(self.Changed())

    def on_field_list_typed(self, event: FieldList.Typed) -> None:
        """A digit at a field that takes one begins to type it."""
        if not self.form.fields[event.key].closed:
            self._type(event.key, event.letter)

    def _names(self, key: str) -> list[tuple[str, str]]:
        return self._choices.fields.get(key, []) if self._choices is not None else []

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
            self._type(key, None)
            return

        def chosen(word: str | None) -> None:
            if word == OTHER:
                self._type(key, None)
            elif word is not None:
                self._put(key, word)

        self.app.push_screen(ChooseDialog(key, listed, self.form.text(key)), chosen)

    def _put(self, key: str, text: str) -> None:
        self.form.put(key, text)
        self.post_message(self.Changed())

    def _type(self, key: str, letter: str | None) -> None:
        box = self.query_one(ValueInput)
        x, y, width = self.listed.value_place()
        self._before = self.form.own.get(key)
        box.styles.offset = (x, y)
        box.styles.width = width
        with box.prevent(Input.Changed):
            box.value = self.form.text(key) if letter is None else ""
        box.display = True
        box.focus()
        if letter is not None:
            box.value = letter
        box.cursor_position = len(box.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Every letter counts, also while there are more to come."""
        event.stop()
        if event.input.display:
            self._put(self.listed.key, event.value)

    def on_value_input_left(self, event: ValueInput.Left) -> None:
        """Keep it, go on."""
        self.end_typing()
        if event.by:
            self.listed.action_move(event.by)

    def on_value_input_taken_back(self) -> None:
        """What stood there before."""
        key = self.listed.key
        self.end_typing()
        if self._before is None:
            self.form.reset(key)
            self.post_message(self.Changed())
        else:
            self._put(key, self._before)

    def end_typing(self) -> None:
        """Back to the list."""
        box = self.query_one(ValueInput)
        if box.display:
            box.display = False
            self.listed.focus()
