"""Runs: the list on the left, the chosen run's page on the right; attach gives the page the whole screen."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static

from app.tui.errors import shown
from app.tui.messages import RunNow, RunsPolled
from app.tui.screens.base import TemperScreen
from app.tui.widgets.run_list import RunList
from app.tui.widgets.run_page import RunPage
from store.records.runs import ENDED

NOTHING = Content.assemble(
    ("No runs yet\n", "bold"),
    ("Press ", "$quiet"),
    ("t", "bold $accent"),
    (" to train, or start one from the command line, for example\n\n", "$quiet"),
    ("temper train recipes/support.toml\n\n", "bold $primary"),
    ("and it appears here.", "$quiet"),
)


class RunsScreen(TemperScreen):
    """Highlighting a run watches it; stopping asks first; nothing here ends when the screen closes."""

    CSS_PATH = "runs.tcss"
    MODE = "runs"
    AUTO_FOCUS = "RunList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,a", "attach", "Attach", key_display="⏎"),
        Binding("s", "stop", "Stop"),
        Binding("g", "go_on", "Go on"),
        Binding("t", "app.train", "Train"),
        Binding("l", "switch", "Log"),
        Binding("m", "turn", "Another curve", show=False),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("escape", "back", "Back", key_display="esc"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._wanted: str | None = None

    def body(self) -> ComposeResult:
        """List and page."""
        with Horizontal(id="runs"):
            with Vertical(id="runs-left"):
                yield Input(id="filter", placeholder="title, kind, state", compact=True)
                yield RunList(id="run-list")
                yield Static(id="no-match")
            yield RunPage()
            yield Static(NOTHING, id="no-runs-yet")

    def on_mount(self) -> None:
        """The filter hides until it is asked for."""
        self.query_one("#filter").display = False
        if self._wanted is not None:
            self.attach(self._wanted)

    @property
    def chosen(self) -> RunNow | None:
        """The highlighted run."""
        run_id = self.query_one(RunList).chosen
        return self.board.runs.get(run_id) if run_id is not None else None

    @shown
    def runs_changed(self, batch: RunsPolled | None) -> None:
        """Bring list and page up to date."""
        if not self.is_attached:
            return
        if batch is None or batch.changed or not batch.order or self._came_or_went(batch):
            self._show_list()
        run = self.chosen
        if run is None:
            return
        self.temper.watch_run(run.view.run_id)
        news = batch.watched if batch is not None else None
        touched = batch is None or news is not None or any(one is run for one in batch.changed)
        if touched or run.view.state not in ENDED:  # a running clock moves on without news
            self.query_one(RunPage).show(run, self.board.history, news)

    def _came_or_went(self, batch: RunsPolled) -> bool:
        return len(batch.order) != self.query_one(RunList).option_count

    def _show_list(self) -> None:
        runs = self.board.newest_first()
        wanted = self.query_one("#filter", Input).value.lower().split()
        kept = [run for run in runs if all(word in text_of(run) for word in wanted)]
        self.query_one(RunList).show(kept)
        self.set_class(not runs, "empty")
        self.query_one(RunPage).display = bool(kept)
        self.query_one("#no-runs-yet").display = not runs and self.board.complete
        no_match = self.query_one("#no-match", Static)
        no_match.display = bool(runs) and not kept
        no_match.update(Content.styled("No run fits.", "$quiet"))
        if self._wanted is not None and self.query_one(RunList).choose(self._wanted):
            self._wanted = None

    @shown
    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Another run: watch that one."""
        run = self.chosen
        if run is not None:
            self.temper.watch_run(run.view.run_id)
            self.query_one(RunPage).show(run, self.board.history, None)
            self.refresh_bindings()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on a run attaches."""
        self.action_attach()

    def attach(self, run_id: str) -> None:
        """Choose a run, now or as soon as it is listed, and give it the screen."""
        self._wanted = run_id
        self.add_class("attached")
        if not self.query(RunList):  # switched to just now: `on_mount` goes on from here
            return
        self._show_list()
        self.query_one("#run-events").focus()
        self.refresh_bindings()

    def action_attach(self) -> None:
        """Give the chosen run the whole screen."""
        if (run := self.chosen) is not None:
            self.attach(run.view.run_id)

    @shown
    def action_back(self) -> None:
        """From the attached run to the list; from the filter to all runs."""
        box = self.query_one("#filter", Input)
        if self.has_class("attached"):
            self.remove_class("attached")
        elif box.display:
            box.value = ""
            box.display = False
        self.query_one(RunList).focus()
        self.refresh_bindings()

    def action_switch(self) -> None:
        """Events or log."""
        self.query_one(RunPage).switch()

    def action_turn(self) -> None:
        """The next of the run's curves."""
        self.query_one(RunPage).turn()

    def action_filter(self) -> None:
        """Type to narrow the list."""
        box = self.query_one("#filter", Input)
        box.display = True
        box.focus()
        self.refresh_bindings()

    def on_input_changed(self, event: Input.Changed) -> None:
        """The filter works while it is typed."""
        self.runs_changed(None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter leaves the filter on and goes to the list."""
        self.query_one(RunList).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint for what would do nothing."""
        if not self.is_attached:
            return True
        if action == "attach":
            return self.chosen is not None and not self.has_class("attached")
        if action == "stop":
            return self.can_stop(self.chosen)
        if action == "go_on":
            return self.chosen is not None and self.chosen.view.resumable
        if action == "switch":
            return self.chosen is not None
        if action == "turn":
            return self.query_one(RunPage).measures != 1  # typed ahead of the curves, it is not lost
        if action == "back":
            return self.has_class("attached") or bool(self.query_one("#filter").display)
        if action == "filter":
            return not self.has_class("attached") and bool(self.board.order)
        return True

    def action_stop(self) -> None:
        """Ask, then ask the run to stop."""
        if (run := self.chosen) is not None:
            self.ask_to_stop(run, "Its checkpoints and finished files are kept.")

    def action_go_on(self) -> None:
        """Take up a run that did not finish where it was."""
        if (run := self.chosen) is not None:
            self.go_on_with(run)


def text_of(run: RunNow) -> str:
    """What the filter looks at, in lower case."""
    return f"{run.view.title} {run.view.run_id} {run.view.kind} {run.view.state}".lower()
