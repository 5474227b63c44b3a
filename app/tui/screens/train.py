"""Train: a recipe as a form. Its fields on the left; on the right their manual, all problems, the memory.

What is typed is asked about in a helper process; a worker gets warm meanwhile. Decides nothing about recipes.
"""

from __future__ import annotations

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.timer import Timer
from textual.widgets import Static

from app.tui import training
from app.tui.errors import shown
from app.tui.outlook_feed import Heard, OutlookFeed
from app.tui.recipe_form import PRESET, RecipeForm
from app.tui.screens.base import TemperScreen
from app.tui.training import Choices, Start
from app.tui.warming import Warming
from app.tui.widgets import form_words, memory_bar
from app.tui.widgets.field_editor import FieldEditor
from store.records.recipe import Recipe

ASK_SECONDS = 0.15  # after the last change: a word that is being typed is asked about once
WARMTH_SECONDS = 0.5


class TrainScreen(TemperScreen):
    """Opened over the screen that asked for it; escape goes back there and keeps what was typed."""

    CSS_PATH = "train.tcss"
    MODE = "runs"
    MODE_KEYS = ("F2", "F3", "F4", "F5", "F6", "F7")
    AUTO_FOCUS = "FieldList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start", "Start"),
        Binding("w", "save", "Save recipe"),
        Binding("o", "open", "Open recipe"),
        Binding("f", "fit", "What would fit"),
        Binding("p", "problem", "Next problem", show=False),
        Binding("escape", "back", "Back", key_display="esc"),
    ]

    def __init__(self, form: RecipeForm) -> None:
        super().__init__()
        self.form = form
        self._feed: OutlookFeed | None = None
        self._warming: Warming | None = None
        self._choices: Choices | None = None
        self._wanted = ("", 0)  # start, save or open, asked for before that was possible; of which form
        self._timer: Timer | None = None
        self._starting = False

    @property
    def editor(self) -> FieldEditor:
        """The fields."""
        return self.query_one(FieldEditor)

    def body(self) -> ComposeResult:
        """Fields; what is said of them."""
        yield Static(id="train-head")
        with Horizontal(id="train"):
            yield FieldEditor(self.form)
            with VerticalScroll(id="train-right"):
                yield Static(id="field-manual")
                yield Static(id="train-problems")
                yield Static(id="train-memory")
                yield Static(id="train-facts")

    def on_mount(self) -> None:
        """Ask at once; look for names and warm a worker in threads."""
        self.form.number += 1  # what an earlier form heard may be old
        self._feed = self.temper.outlook_feed()
        self._feed.open(self)
        self._feed.ask(self.form.asked())
        self._warming = self.temper.warming()
        self._warming.open(self.form.text("objective"))
        self.set_interval(WARMTH_SECONDS, self._show_head)
        self._look_for_names()
        self._show()

    def on_unmount(self) -> None:
        """The helper and a worker that was not taken go with the form."""
        if self._feed is not None:
            self._feed.close()
        if self._warming is not None:
            self._warming.close()

    @work(thread=True, group="names")
    @shown
    def _look_for_names(self) -> None:
        choices = training.choices_in(self.workspace)
        if self.is_attached:
            self.app.call_from_thread(self._names_found, choices)

    def _names_found(self, choices: Choices) -> None:
        self._choices = choices
        self.editor.offer(choices)
        self._go_on()

    # Questions and answers

    def _ask(self) -> None:
        if self._feed is not None:
            self._feed.ask(self.form.asked())
        if self._warming is not None:
            self._warming.prepare(self.form.text("objective"))

    @shown
    def on_heard(self, event: Heard) -> None:
        """An answer: to the newest question, or to one on the way there."""
        self.form.hear(event.outlook)
        self._show()
        self._go_on()

    def _go_on(self) -> None:
        """Do what was asked for before it could be done."""
        (wanted, number), self._wanted = self._wanted, ("", 0)
        if wanted == "open":
            self.action_open()
        elif number != self.form.number:
            return  # something else was typed since: it is to be asked for again
        elif wanted == "start":
            self.action_start()
        elif wanted == "save":
            self.action_save()

    # What is to be seen

    def _show(self) -> None:
        self._show_fields()
        width = max(20, self.query_one("#train-right", VerticalScroll).scrollable_content_region.width)
        high = self.has_class("-high")
        plan = self.form.outlook.plan
        self.query_one("#train-problems", Static).update(form_words.problems(self.form))
        memory = self.query_one("#train-memory", Static)
        memory.display = plan is not None
        if plan is not None:
            memory.update(memory_bar.memory(plan, width, notes=high))
        self.query_one("#train-facts", Static).update(form_words.run_facts(self.form.outlook))
        self.refresh_bindings()

    def _show_fields(self) -> None:
        listed = self.editor.listed
        listed.refresh()
        if listed.key:
            self.query_one("#field-manual", Static).update(form_words.manual(self.form, listed.key))
        self._show_head()

    def _show_head(self) -> None:
        warmth = self._warming.words() if self._warming is not None else ""
        head = self.query_one("#train-head", Static)
        head.update(form_words.head(self.form, warmth, max(20, head.content_size.width)), layout=False)

    def on_field_editor_changed(self) -> None:
        """Something was typed: show it, ask about it a moment later."""
        self._show_fields()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(ASK_SECONDS, self._ask)

    def on_field_editor_moved(self) -> None:
        """Another field: its manual."""
        self._show_fields()

    def on_resize(self) -> None:
        """Bars are laid out for a width."""
        self.call_after_refresh(self._show)

    # What can be done with all of it

    def _settled(self, wanted: str) -> Recipe | None:
        """The recipe, once the answer to what is typed now is there; else `wanted` is done then."""
        self.editor.end_typing()
        if not self.form.current:
            self._wanted = wanted, self.form.number
            return None
        if self.form.outlook.recipe is None:
            self.notify("Mend what is listed on the right first.", severity="warning")
            self.action_problem()
        return self.form.outlook.recipe

    @shown
    def action_start(self) -> None:
        """Start the run; ask first where it will not fit."""
        from app.tui.dialogs.confirm import ConfirmDialog

        recipe = self._settled("start")
        if recipe is None or self._starting:
            return
        asked = training.start_of(self.workspace, self.form, recipe)
        plan = self.form.outlook.plan
        if plan is None or plan.estimate.fits:
            self._begin(asked)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._begin(asked)

        text = "The estimate is above what is free. It gives up memory step by step where it must, or fails."
        self.app.push_screen(ConfirmDialog("Start a run that may not fit?", text), answered)

    def _begin(self, asked: Start) -> None:
        self._starting = True
        self.notify(f"Starting {asked.title} …")
        self._launch(asked)

    @work(thread=True, group="start")
    @shown
    def _launch(self, asked: Start) -> None:
        warm = self._warming.take() if self._warming is not None else None
        try:
            folder = training.start(self.workspace, asked, warm)
        finally:
            self._starting = False
        self.app.call_from_thread(self._started, folder.run_id)

    def _started(self, run_id: str) -> None:
        if self.app.screen is self:
            self.app.pop_screen()
        self.temper.go_to_run(run_id)

    @shown
    def action_save(self) -> None:
        """Write the recipe under a name."""
        from app.tui.dialogs.name import NameDialog

        recipe = self._settled("save")
        if recipe is None or self._choices is None:
            self._wanted = self._wanted if recipe is None else ("save", self.form.number)
            return
        names = [path.removeprefix("recipes/").removesuffix(".toml") for path, _ in self._choices.recipes]
        first = (
            self.form.file.removeprefix("recipes/").removesuffix(".toml") or recipe.dataset.partition("@")[0]
        )

        def named(name: str | None) -> None:
            if name:
                self._save(name, recipe)

        about = "It goes to recipes/NAME.toml, every field spelled out."
        self.app.push_screen(NameDialog("Save the recipe", about, first, frozenset(names)), named)

    @work(thread=True, group="save")
    @shown
    def _save(self, name: str, recipe: Recipe) -> None:
        path = training.save(self.workspace, name, recipe)
        self.app.call_from_thread(self._saved, path)
        self._look_for_names()

    def _saved(self, path: str) -> None:
        self.notify(f"Written: {path}")
        preset = self.form.text(PRESET)
        self.form.open(path)
        self.form.put(PRESET, preset)
        self.on_field_editor_changed()

    @shown
    def action_open(self) -> None:
        """Begin with one of the workspace's recipes."""
        from app.tui.dialogs.choose import ChooseDialog

        if self._choices is None:
            self._wanted = "open", 0
            return
        if not self._choices.recipes:
            self.notify("recipes/ holds none yet.", severity="warning")
            return

        def chosen(path: str | None) -> None:
            if path:
                self.form.open(path)
                self.on_field_editor_changed()

        self.app.push_screen(ChooseDialog("Open a recipe", self._choices.recipes, self.form.file), chosen)

    def action_fit(self) -> None:
        """Take over one of the ways that would fit."""
        from app.tui.dialogs.choose import ChooseDialog

        plan = self.form.outlook.plan
        ways = {one.words: one for one in plan.alternatives} if plan is not None else {}

        def chosen(words: str | None) -> None:
            if words is not None:
                self.form.apply(ways[words].changes)
                self.on_field_editor_changed()

        listed = [
            (words, " ".join(f"{k}={v}" for k, v in one.changes.items())) for words, one in ways.items()
        ]
        self.app.push_screen(ChooseDialog("What would fit", listed, None), chosen)

    def action_problem(self) -> None:
        """The next field that something stands against."""
        listed = self.editor.listed
        keys = [one.key for one in self.form.outlook.problems if one.key in self.form.fields]
        if keys:
            at = keys.index(listed.key) + 1 if listed.key in keys else 0
            listed.go_to(keys[at % len(keys)])

    def action_back(self) -> None:
        """To where one came from."""
        self.app.pop_screen()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint for what would do nothing."""
        outlook = self.form.outlook
        if action == "fit":
            return outlook.plan is not None and bool(outlook.plan.alternatives)
        if action == "problem":
            return bool(outlook.problems)
        return True
