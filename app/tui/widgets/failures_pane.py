"""Failures of a variant in groups: one key decides on a group, another takes that back or keeps a failure.

Failures are grouped and decisions written in threads. What a group is, is not known here.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from app.tui import failure_feed
from app.tui.errors import giving_up, shown
from app.tui.failure_feed import Decided, Subject
from app.tui.messages import FailureKept
from app.tui.scoreboard import Scored
from app.tui.widgets.facts import Facts
from app.tui.widgets.failure_words import about, head, legend
from app.tui.widgets.frame import Line
from app.tui.widgets.group_list import GroupList
from app.tui.widgets.long_list import LongList
from store.records.triage import Category, FailureGroup, Triage
from store.workspace import Workspace

UNGROUPED = Content.assemble(("✗ ", "$error"), "The failures could not be grouped.")
THIS_RUN = "this run"
TOLD_SECONDS = 2.5
WAITING = Content.styled("Grouping …", "$quiet")


class Legend(Line):
    """Which key says what a group is; a click presses it."""

    def __init__(self) -> None:
        super().__init__(id="group-keys")

    def on_resize(self) -> None:
        """As few lines as there is room for."""
        self.lay_lines(legend(self.content_size.width))


class FailuresPane(Vertical):
    """Decisions are taken back last one first, of whichever variant they were."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "undo", "Undo"),
        Binding("a", "keep", "Keep as a case"),
        Binding("i", "complaints", "Complaints"),
    ]

    def __init__(self) -> None:
        super().__init__(id="failures")
        self._of: tuple[Workspace, Subject] | None = None
        self._row: Scored | None = None
        self._found: Triage | None = None
        self._decided: list[Decided] = []

    def compose(self) -> ComposeResult:
        """Whether training may help, the groups, the group under the cursor, the keys."""
        yield Static(id="failures-head")
        yield GroupList()
        with VerticalScroll(id="group-about", classes="about", can_focus=False):
            yield Facts(id="group-text")
        yield Legend()

    def look(self, workspace: Workspace, row: Scored) -> None:
        """Group the failures behind a row of the matrix."""
        self._row = row
        self._look_at(workspace, row)

    def nothing(self, told: Content) -> None:
        """There is nothing to be seen but this."""
        self._of = self._found = None
        self.query_one("#failures-head", Static).update(told)
        self.query_one(Legend).display = False
        self.query_one(GroupList).show([])

    def _look_at(self, workspace: Workspace, of: Subject) -> None:
        self.nothing(WAITING)
        self._of = (workspace, of)
        self._group(workspace, of)

    @work(thread=True, group="failures", exclusive=True)
    @shown
    def _group(self, workspace: Workspace, of: Subject) -> None:
        with giving_up(self, self._failed):
            self._hand_over(of, failure_feed.look(workspace, of))

    def _failed(self) -> None:
        self.query_one("#failures-head", Static).update(UNGROUPED)

    def _hand_over(self, of: Subject, found: Triage, told: str = "") -> None:
        """In a thread: show what was found, unless other ones are wanted by now."""
        if self.is_attached and self._of is not None and self._of[1] is of:
            self.app.call_from_thread(self._show, found, told)

    def _show(self, found: Triage, told: str) -> None:
        if told:
            self.app.clear_notifications()  # decisions follow each other quickly: one at a time is told
            self.notify(told, timeout=TOLD_SECONDS)
        self._found = found
        self._show_head()
        self.query_one(Legend).display = bool(found.groups)
        self.query_one(GroupList).show(found.groups)

    def on_group_list_decided(self, event: GroupList.Decided) -> None:
        """A person said what a group of failures is."""
        if self._of is not None:
            self._decide(*self._of, event.group, event.category)

    @work(thread=True, group="decide")
    @shown
    def _decide(
        self, workspace: Workspace, of: Subject, group: FailureGroup, category: Category | None
    ) -> None:
        decided = failure_feed.decide(workspace, group, category)
        self._decided.append(decided)
        self._hand_over(of, failure_feed.look(workspace, of), decided.told)

    def action_undo(self) -> None:
        """Take the last decision back."""
        if self._of is not None:
            self._take_back(*self._of, self._decided.pop())

    @work(thread=True, group="decide")
    @shown
    def _take_back(self, workspace: Workspace, of: Subject, decided: Decided) -> None:
        failure_feed.take_back(workspace, decided)
        self._hand_over(of, failure_feed.look(workspace, of), f"Taken back: {decided.told}")

    def on_resize(self) -> None:
        """The head is laid out for a width."""
        self.call_after_refresh(self._show_head)

    def _show_head(self) -> None:
        if self._found is not None:
            self.query_one("#failures-head", Static).update(head(self._found, self.content_size.width))

    def on_long_list_moved(self, event: LongList.Moved) -> None:
        """The group under the cursor."""
        event.stop()
        group = self.query_one(GroupList).chosen
        self.query_one("#group-text", Facts).show(about(group) if group is not None else [])
        self.query_one("#group-about", VerticalScroll).scroll_home(animate=False)
        self.screen.refresh_bindings()

    @work(thread=True, group="tables")
    @shown
    def action_complaints(self) -> None:
        """Failures from elsewhere: choose the file that they stand in."""
        if self._of is not None:
            tables = failure_feed.tables(self._of[0])
            self.app.call_from_thread(self._choose, self._of[0], tables)

    def _choose(self, workspace: Workspace, tables: list[tuple[str, str]]) -> None:
        from app.tui.dialogs.choose import ChooseDialog

        if not tables:
            self.notify("There is no table in this workspace: temper triage --csv FILE", severity="warning")
            return

        def chosen(name: str | None) -> None:
            if name == THIS_RUN and self._row is not None:
                self._look_at(workspace, self._row)
            elif name:
                self._look_at(workspace, workspace.root / name)

        choices = [(THIS_RUN, "what failed in it"), *tables]
        self.app.push_screen(ChooseDialog("Whose failures?", choices, None), chosen)

    def action_keep(self) -> None:
        """The first failure of the group under the cursor becomes a case."""
        if (group := self.query_one(GroupList).chosen) is not None:
            first = group.members[0]
            self.post_message(FailureKept(first.source, first.case, first.variant))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint for what would do nothing."""
        if action == "undo":
            return bool(self._decided)
        if action == "keep":
            of_run = self._of is not None and not isinstance(self._of[1], Path)
            return of_run and self.query_one(GroupList).chosen is not None
        return self._of is not None
