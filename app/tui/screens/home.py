"""Home: the workspace, the next sensible step, the last runs, and what this machine has left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static

from app.tui.errors import shown
from app.tui.machine import look
from app.tui.messages import RunsPolled
from app.tui.next_step import next_step
from app.tui.screens.base import TemperScreen
from app.tui.widgets.machine_card import MachineCard
from app.tui.widgets.next_card import NextCard
from app.tui.widgets.run_list import RunList
from app.tui.words import tilde
from store.records.workspace import WorkspaceConfig

RUNS_SHOWN = 8
MACHINE_SECONDS = 2.0
FIRST_LOOK_SECONDS = 0.1  # the first frame comes first


class HomeScreen(TemperScreen):
    """The first screen of a workspace."""

    MODE = "home"
    AUTO_FOCUS = "#next-step"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("2", "app.go('runs')", "Runs"),
        Binding("3", "app.go('chat')", "Chat"),
        Binding("4", "app.go('data')", "Data"),
        Binding("t", "app.train", "Train"),
        Binding("r", "look_again", "Refresh"),
    ]

    def body(self) -> ComposeResult:
        """Left what to do, right what there is."""
        with Horizontal(id="home"):
            with VerticalScroll(id="home-left", can_focus=False):
                yield Static(id="place")
                yield NextCard()
                yield Static("LAST RUNS", classes="label")
                yield RunList(id="last-runs", lines=1)
                yield Static(id="no-runs")
            with Vertical(id="home-right"):
                yield MachineCard()
                yield Static(id="contents", classes="card")

    def on_mount(self) -> None:
        """Show what is known at once; ask the machine in a thread."""
        workspace = self.board.workspace
        assert workspace is not None  # the app shows the welcome page instead
        place = Content.assemble((workspace.name, "bold"), "\n", (tilde(workspace.root), "$quiet"))
        self.query_one("#place", Static).update(place)
        self.query_one("#contents", Static).update(contents(workspace.config))
        self.set_timer(FIRST_LOOK_SECONDS, self._ask_machine)
        self.set_interval(MACHINE_SECONDS, self._ask_machine)

    @work(thread=True, exclusive=True, group="machine")
    @shown
    def _ask_machine(self) -> None:
        workspace = self.board.workspace
        if workspace is not None and self.is_attached:
            self.app.call_from_thread(self.query_one(MachineCard).show, look(workspace.root))

    @shown
    def runs_changed(self, batch: RunsPolled | None) -> None:
        """Show the newest runs and what follows from them."""
        if not self.is_attached or self.board.workspace is None:
            return
        runs = self.board.newest_first()
        self.query_one(RunList).show(runs[:RUNS_SHOWN])
        none = self.query_one("#no-runs", Static)
        none.display = not runs
        self.query_one(RunList).display = bool(runs)
        none.update("None yet." if self.board.complete else "Looking …")
        if self.board.complete:
            self.query_one(NextCard).show(next_step(self.board.workspace, [run.view for run in runs]))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on a run: go to it."""
        if event.option.id is not None:
            self.temper.go_to_run(event.option.id)

    def on_next_card_taken(self, event: NextCard.Taken) -> None:
        """Enter on the card: go where the step leads, or take its command along."""
        step = event.step
        if step.place == "runs" and step.run_id is not None:
            self.temper.go_to_run(step.run_id)
        elif step.place in ("chat", "knowledge", "evals"):
            self.temper.action_go(step.place)
        elif step.place == "train":
            self.temper.action_train(step.recipe)
        else:
            self.app.copy_to_clipboard(step.command)
            self.notify(f"Copied: {step.command}")

    def action_look_again(self) -> None:
        """Read the machine and the runs now."""
        self._ask_machine()
        self.runs_changed(None)


def contents(config: WorkspaceConfig) -> Content:
    """What temper.toml names, by kind."""
    kinds: dict[str, Iterable[str]] = {
        "models": config.models,
        "datasets": config.datasets,
        "knowledge": config.knowledge,
        "variants": config.variants,
    }
    lines = [Content.styled("WORKSPACE", "$quiet")]
    for kind, names in kinds.items():
        shown = (", ".join(names), "") if names else ("none yet", "$faint")
        lines.append(Content.assemble((f"{kind:<10}", "$quiet"), shown))
    return Content("\n").join(lines)
