"""What all screens share: the frame, and being told when runs have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen

from app.tui.messages import RunsPolled
from app.tui.widgets.frame import Bar, Hints

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
