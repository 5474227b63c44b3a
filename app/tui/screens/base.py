"""What all screens share: the frame, news of runs, stopping a run and going on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, work
from textual.app import ComposeResult
from textual.screen import Screen

from app.tui.errors import shown
from app.tui.messages import RunNow, RunsPolled
from app.tui.widgets.frame import Bar, Hints
from store.records.runs import ENDED
from store.runs import RunFolder

if TYPE_CHECKING:
    from app.tui.app import TemperApp
    from app.tui.board import Board
    from store.workspace import Workspace


class TemperScreen(Screen[None]):
    """A screen with bar, body and hints. Sub-classes give `body` and, if they show runs, `runs_changed`."""

    MODE: ClassVar[str] = ""
    MODE_KEYS: ClassVar[tuple[str, ...]] = ("1", "2", "3", "4", "5", "6")

    @property
    def temper(self) -> TemperApp:
        """The app, with its own type."""
        return cast("TemperApp", self.app)

    @property
    def board(self) -> Board:
        """What is known of the workspace and its runs."""
        return self.temper.board

    @property
    def workspace(self) -> Workspace:
        """The workspace, on screens that do not open without one."""
        workspace = self.board.workspace
        assert workspace is not None
        return workspace

    def compose(self) -> ComposeResult:
        """Bar, body, hints."""
        workspace = self.board.workspace
        yield Bar(workspace.name if workspace else "", self.MODE, self.MODE_KEYS)
        yield from self.body()
        yield Hints()

    def body(self) -> ComposeResult:
        """The screen's own widgets."""
        yield from ()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Other keys hold where the focus is now."""
        self.refresh_bindings()

    def on_screen_resume(self) -> None:
        """Coming back: what has happened meanwhile is shown."""
        self.runs_changed(None)

    def runs_changed(self, batch: RunsPolled | None) -> None:
        """The board has changed by `batch`; None: show all of it."""

    # Runs, on whatever screen they are shown

    def can_stop(self, run: RunNow | None) -> bool:
        """Whether there is something to stop that was not asked to stop already."""
        stopping = self.temper.stopping
        return run is not None and run.view.state not in ENDED and run.view.run_id not in stopping

    def ask_to_stop(self, run: RunNow, kept: str) -> None:
        """Ask, then ask the run to stop. `kept`: what of its work stays."""
        from app.tui.dialogs.confirm import ConfirmDialog

        def answered(yes: bool | None) -> None:
            if yes:
                self.temper.stopping.add(run.view.run_id)
                self._request_stop(RunFolder(self.workspace.paths.runs / run.view.run_id))
                self.refresh_bindings()

        question = f"It stops at its next step. {kept}"
        self.app.push_screen(ConfirmDialog(f"Stop {run.view.title or run.view.run_id}?", question), answered)

    @work(thread=True, group="stop")
    @shown
    def _request_stop(self, folder: RunFolder) -> None:
        folder.request_stop()
        self.app.call_from_thread(self.notify, "It stops at its next step.")

    def go_on_with(self, run: RunNow) -> None:
        """Take up a run where it was."""
        self.temper.stopping.discard(run.view.run_id)
        self.notify(f"Going on with {run.view.title or run.view.run_id} …")
        self._take_up(RunFolder(self.workspace.paths.runs / run.view.run_id))

    @work(thread=True, group="go-on")
    @shown
    def _take_up(self, folder: RunFolder) -> None:
        from engine.jobs import launch

        launch.resume(folder)
