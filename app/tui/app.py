"""The terminal UI's entry point: opens the workspace, keeps the feed going, switches screens, shows errors.

Closing it stops nothing: runs are processes of their own, and it only watches them.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen
from textual.worker import get_current_worker

from app.tui import plain_signs, theme
from app.tui.board import Board
from app.tui.errors import shown
from app.tui.feed import POLL_SECONDS, RunFeed
from app.tui.harmless import Harmless
from app.tui.messages import Failed, RunsPolled
from app.tui.screens.base import TemperScreen
from store.errors import MissingError
from store.records.runs import ENDED
from store.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from app.tui.chat_feed import ChatFeed
    from app.tui.outlook_feed import OutlookFeed
    from app.tui.preview_feed import PreviewFeed
    from app.tui.recipe_form import RecipeForm
    from app.tui.search_feed import SearchFeed
    from app.tui.warming import Warming

HARMLESS = Harmless()  # one and the same: lines that were filtered are kept by their filter
SELDOM = 1000  # passes over younger objects before all are looked through; Python's own is 10
WARM_SECONDS = 0.2  # after the first frame
NARROW_OR_WIDE = [(0, "-narrow"), (110, "-wide")]  # columns from which a class of the style sheets holds
LOW_OR_HIGH = [(0, "-low"), (32, "-high")]  # the same for rows


def run(start: Path | None = None) -> None:
    """Open the terminal UI on the workspace at or above `start` (the current folder when left out).

    Outside a workspace it explains how to make one. Raises UsageError for a broken temper.toml.
    """
    start = start or Path.cwd()
    try:
        workspace = open_workspace(start)
    except MissingError:
        workspace = None
    app = TemperApp(workspace, start)
    app.signs = plain_signs.wanted(os.environ)
    favour_the_screen()
    app.run()
    if app.unexpected is not None:
        raise app.unexpected
    app.say_what_goes_on()


def favour_the_screen() -> None:
    """Keep the rest of the process from making the screen wait.

    Threads that read runs give way often (by default one may hold the interpreter for 5 ms), and the
    garbage collector passes over what is loaded already: looking through all of it takes 45 ms (measured).
    It seldom looks through what was loaded since: with the results of 5,000 cases that takes 300 ms.
    """
    sys.setswitchinterval(0.001)
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, SELDOM)


class TemperApp(App[None]):
    """A mode per part of the work over one board. Without a workspace, home is the welcome page."""

    TITLE = "Temper"
    CSS_PATH = Path(__file__).with_name("temper.tcss")
    DEFAULT_MODE = "home"
    COMMAND_PALETTE_DISPLAY = "^p"
    HORIZONTAL_BREAKPOINTS = NARROW_OR_WIDE
    VERTICAL_BREAKPOINTS = LOW_OR_HIGH
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "go('home')", "Home", show=False),
        Binding("2", "go('runs')", "Runs", show=False),
        Binding("3", "go('chat')", "Chat", show=False),
        Binding("4", "go('data')", "Data", show=False),
        Binding("5", "go('knowledge')", "Knowledge", show=False),
        Binding("6", "go('evals')", "Evals", show=False),
        Binding("f2", "go('home')", "Home", show=False, priority=True),
        Binding("f3", "go('runs')", "Runs", show=False, priority=True),
        Binding("f4", "go('chat')", "Chat", show=False, priority=True),
        Binding("f5", "go('data')", "Data", show=False, priority=True),
        Binding("f6", "go('knowledge')", "Knowledge", show=False, priority=True),
        Binding("f7", "go('evals')", "Evals", show=False, priority=True),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("f1", "help", "Help", key_display="F1"),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, workspace: Workspace | None, start: Path) -> None:
        super().__init__()
        self.board = Board(workspace)
        self.start = start
        self.feed = RunFeed(workspace.paths.runs) if workspace else None
        self.unexpected: Exception | None = None
        self.stopping: set[str] = set()  # runs that were asked to stop from here
        self.draft: RecipeForm | None = None  # what was typed into the training form, also once it is closed
        self.register_theme(theme.DARK)
        self.register_theme(theme.LIGHT)
        self.register_theme(theme.CONTRAST)
        self.signs: plain_signs.PlainSigns | None = None  # where the terminal cannot show ours
        # Set before the style sheets are first read: setting it the usual way would have them parsed twice.
        self.set_reactive(App.theme, theme.DARK.name)
        self.stylesheet.set_variables(self.get_css_variables())
        self.add_mode("home", self._home)
        self.add_mode("runs", self._runs)
        self.add_mode("chat", self._chat)
        self.add_mode("data", self._data)
        self.add_mode("knowledge", self._knowledge)
        self.add_mode("evals", self._evals)

    def on_ready(self) -> None:
        """Start watching once the first screen is painted."""
        if self.feed is not None:
            self.call_after_refresh(self._follow, self.feed)
        self.set_timer(WARM_SECONDS, self._warm)

    # Screens are imported when they are first shown: the first frame pays for one of them only.

    def _home(self) -> Screen[None]:
        if self.board.workspace is None:
            from app.tui.screens.welcome import WelcomeScreen

            return WelcomeScreen(self.start)
        from app.tui.screens.home import HomeScreen

        return HomeScreen()

    def _runs(self) -> Screen[None]:
        from app.tui.screens.runs import RunsScreen

        return RunsScreen()

    def _chat(self) -> Screen[None]:
        from app.tui.screens.chat import ChatScreen

        return ChatScreen()

    def _data(self) -> Screen[None]:
        from app.tui.screens.data import DataScreen

        return DataScreen()

    def _knowledge(self) -> Screen[None]:
        from app.tui.screens.knowledge import KnowledgeScreen

        return KnowledgeScreen()

    def _evals(self) -> Screen[None]:
        from app.tui.screens.evals import EvalsScreen

        return EvalsScreen()

    @work(thread=True, group="warm")
    @shown
    def _warm(self) -> None:
        """Import the other screens while the user reads the first: the first key press need not wait."""
        for screen in ("runs", "chat", "data", "knowledge", "evals", "train"):
            importlib.import_module(f"app.tui.screens.{screen}")
        importlib.import_module("engine.training.manual").fields()  # read once, kept for the form
        importlib.import_module("pyarrow.parquet")  # reads rows and passages

    @work(thread=True, group="feed")
    @shown
    def _follow(self, feed: RunFeed) -> None:
        """Poll the run folders until the app closes."""
        worker = get_current_worker()
        while not worker.is_cancelled:
            batch = feed.poll()
            if batch is not None:
                self.post_message(batch)
            worker.cancelled_event.wait(POLL_SECONDS if batch is None or batch.complete else 0.0)

    def on_runs_polled(self, batch: RunsPolled) -> None:
        """Put one poll on the board and tell the screens that are to be seen."""
        self.board.apply(batch)
        for screen in self.screen_stack:
            if isinstance(screen, TemperScreen):
                screen.runs_changed(batch)

    def open(self, workspace: Workspace) -> None:
        """A workspace has come to be where there was none: go on to its home screen."""
        self.board = Board(workspace)
        self.feed = RunFeed(workspace.paths.runs)
        self.push_screen(self._home())  # on top: switching would leave a moment without any screen
        self._follow(self.feed)

    def chat_feed(self) -> ChatFeed:
        """A connection for one answer. Tests put a scripted one here."""
        from app.tui.chat_feed import ChatFeed

        assert self.board.workspace is not None  # the chat exists in a workspace only
        return ChatFeed(self.board.workspace)

    def preview_feed(self) -> PreviewFeed:
        """What shows rows as a model sees them. Tests put a scripted one here."""
        from app.tui.preview_feed import PreviewFeed

        assert self.board.workspace is not None  # the data screen exists in a workspace only
        return PreviewFeed(self.board.workspace)

    def search_feed(self) -> SearchFeed:
        """What searches knowledge bases. Tests put a scripted one here."""
        from app.tui.search_feed import SearchFeed

        assert self.board.workspace is not None  # the knowledge screen exists in a workspace only
        return SearchFeed(self.board.workspace)

    def outlook_feed(self) -> OutlookFeed:
        """What looks at a recipe that is being filled in. Tests put a scripted one here."""
        from app.tui.outlook_feed import OutlookFeed

        assert self.board.workspace is not None  # the form exists in a workspace only
        return OutlookFeed(self.board.workspace)

    def warming(self) -> Warming:
        """A worker that gets warm beside a form. Tests put a scripted one here."""
        from app.tui.warming import Warming

        return Warming()

    def watch_run(self, run_id: str | None) -> None:
        """Have everything about one run put on the board."""
        if self.feed is not None:
            self.feed.watch(run_id)

    def action_go(self, mode: str) -> None:
        """Switch to a mode; only home exists outside a workspace, and dialogs are answered first."""
        if self.board.workspace is None:
            self.notify("There is no workspace yet: make one first.", severity="warning")
        elif mode != self.current_mode and not self.screen.is_modal:
            self.switch_mode(mode)

    def go_to_run(self, run_id: str) -> None:
        """Show the runs screen with one run attached."""
        from app.tui.screens.runs import RunsScreen

        self.switch_mode("runs")
        if isinstance(self.screen, RunsScreen):
            self.screen.attach(run_id)

    @shown
    def action_train(self, file: str = "") -> None:
        """The training form, as it was left; with a recipe's `file`, on that one."""
        from app.tui.recipe_form import RecipeForm
        from app.tui.screens.train import TrainScreen

        if self.board.workspace is None or self.screen.is_modal or isinstance(self.screen, TrainScreen):
            return
        if self.draft is None or (file and file != self.draft.file):
            self.draft = RecipeForm()
            self.draft.open(file)
        self.push_screen(TrainScreen(self.draft))

    def action_help(self) -> None:
        """Every key of this screen."""
        from app.tui.dialogs.help import HelpDialog

        if not self.screen.is_modal:
            self.push_screen(HelpDialog(self.screen))

    def action_light_or_dark(self) -> None:
        """Dark where it is light, else light."""
        self.theme = theme.LIGHT.name if self.current_theme.dark else theme.DARK.name

    def action_high_contrast(self) -> None:
        """Stronger colours, or those from before."""
        strong = self.theme == theme.CONTRAST.name
        self.theme = theme.DARK.name if strong else theme.CONTRAST.name

    def action_plain_signs(self) -> None:
        """ASCII in place of our signs, or the signs again."""
        self.signs = None if self.signs is not None else plain_signs.PlainSigns(only_ascii=False)
        self.refresh_css(animate=False)
        self.screen.refresh_bindings()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line goes through before it is written."""
        last = [HARMLESS] if self.signs is None else [HARMLESS, self.signs]
        return [*super().get_line_filters(), *last]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What the themes of others lack."""
        return theme.own_variables(self.current_theme.dark)

    def get_key_display(self, binding: Binding) -> str:
        """A key as the hints show it; by its name where its sign cannot be shown."""
        shown = super().get_key_display(binding)
        return shown if self.signs is None or shown.isascii() else binding.key

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the command palette offers: the keys of this screen, then what there is everywhere."""
        from app.tui.dialogs.help import is_ours

        for active in screen.active_bindings.values():
            binding = active.binding
            here = active.enabled and not isinstance(active.node, App) and is_ours(active)
            if here and binding.description:
                shown = f"This screen, key {self.get_key_display(binding)}"
                yield SystemCommand(binding.description, shown, partial(self._press, binding.key))
        yield SystemCommand("Home", "Workspace, next step, machine", lambda: self.action_go("home"))
        yield SystemCommand("Runs", "Watch, attach to and stop runs", lambda: self.action_go("runs"))
        yield SystemCommand("Chat", "Talk to a variant", lambda: self.action_go("chat"))
        yield SystemCommand("Data", "Check datasets, see rows", lambda: self.action_go("data"))
        yield SystemCommand(
            "Knowledge", "See documents as passages, search them", lambda: self.action_go("knowledge")
        )
        yield SystemCommand("Evals", "Variants by check and slice", lambda: self.action_go("evals"))
        yield SystemCommand("Train", "Fill in a recipe and start it", self.action_train)
        yield SystemCommand("Light or dark", "Change the colours", self.action_light_or_dark)
        yield SystemCommand("High contrast", "Stronger colours", self.action_high_contrast)
        yield SystemCommand("Plain signs", "ASCII in place of signs", self.action_plain_signs)
        yield SystemCommand("Theme", "Choose from all themes", self.action_change_theme)
        yield SystemCommand("Help", "The keys of this screen", self.action_help)
        yield SystemCommand("Quit", "Close the screen; runs go on", self.action_quit)

    def _press(self, key: str) -> None:
        self.call_later(self.simulate_key, key)  # once the palette is gone

    @shown
    def on_failed(self, message: Failed) -> None:
        """An error from anywhere becomes a dialog, once."""
        from app.tui.dialogs.error import ErrorDialog
        from engine.jobs.context import failure_of

        dialog = ErrorDialog(failure_of(message.error))
        if not (isinstance(self.screen, ErrorDialog) and self.screen.same_as(dialog)):
            self.push_screen(dialog)

    def _fatal_error(self) -> None:
        """Leave without a traceback full of the user's data; `run` raises the error for the command line."""
        self.unexpected = self._exception
        self._close_messages_no_wait()

    def say_what_goes_on(self) -> None:
        """After closing: which runs live on, and how to get back to them."""
        going = [run.view for run in self.board.newest_first() if run.view.state not in ENDED]
        for view in going:
            print(f"{view.run_id} goes on. Watch it again: temper runs attach {view.run_id}", file=sys.stderr)
