"""Two variants case by case: the verdict, what broke and what was fixed, both answers side by side.

Compared and blessed in threads. What a difference amounts to is not known here.
"""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from app.tui import case_feed
from app.tui.errors import giving_up, shown
from app.tui.messages import FailureKept
from app.tui.scoreboard import Scored
from app.tui.texts import fit
from app.tui.widgets.cases_pane import short_id
from app.tui.widgets.facts import Fact, Facts, text
from app.tui.widgets.long_list import LongList, Parts
from app.tui.widgets.versus_words import SLICES, answers, head
from store.records.comparing import ChangedCase, Comparison
from store.workspace import Workspace

LEAST = 15  # lines of a pane in which there is room for one slice
ALONE = Content.assemble(
    ("Only one variant was measured\n", "bold"),
    ("Press ", "$quiet"),
    ("m", "bold $accent"),
    (", go to another one and press ", "$quiet"),
    ("e", "bold $accent"),
    (" to evaluate it.", "$quiet"),
)
UNCOMPARED = Content.assemble(("✗ ", "$error"), "They could not be compared.")
ALIKE = Content.styled("Both pass and fail the same cases.", "$quiet")


class ChangedList(LongList):
    """Broken cases below their head, then fixed ones."""

    def __init__(self) -> None:
        super().__init__(id="changed-list")
        self._lines: list[str | tuple[bool, ChangedCase]] = []

    @property
    def chosen(self) -> ChangedCase | None:
        """The case under the cursor."""
        line = self._lines[self.cursor] if self.cursor < len(self._lines) else ""
        return line[1] if isinstance(line, tuple) else None

    @property
    def is_fixed(self) -> bool:
        """Whether it was fixed, not broken."""
        line = self._lines[self.cursor] if self.cursor < len(self._lines) else ""
        return isinstance(line, tuple) and line[0]

    def show(self, broken: list[ChangedCase], fixed: list[ChangedCase]) -> None:
        """Show these."""
        self._lines = []
        for title, good, cases in (("broken", False, broken), ("fixed", True, fixed)):
            if cases:
                self._lines += [f"{len(cases):,} {title}", *((good, case) for case in cases)]
        self.set_count(len(self._lines))

    def is_head(self, index: int) -> bool:
        """Whether a line names those below it."""
        return isinstance(self._lines[index], str)

    def line(self, index: int, width: int) -> Parts:
        """A head, or `✗ c12  I lost my phone`."""
        line = self._lines[index]
        if isinstance(line, str):
            return [(fit(line, width), "bold")]
        good, case = line
        name = short_id(case.case, width)
        return [
            ("✓ ", "$success") if good else ("✗ ", "$error"),
            (name + "  ", "$quiet"),
            (fit(case.input, max(0, width - cell_len(name) - 4)), ""),
        ]


class VersusPane(Vertical):
    """Compares the rows that it is given; says when the two are to change places."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "swap", "Swap A and B"),
        Binding("a", "keep", "Keep as a case"),
        Binding("b", "bless", "Bless B"),
    ]

    class Swapped(Message):
        """What was compared is to be compared the other way round."""

        def __init__(self, a: str, b: str) -> None:
            super().__init__()
            self.a = a
            self.b = b

    def __init__(self) -> None:
        super().__init__(id="versus")
        self._wanted: tuple[str, str] = ("", "")
        self._of: tuple[Workspace, str] | None = None
        self._found: Comparison | None = None
        self._blessed = ""

    def compose(self) -> ComposeResult:
        """Verdict and figures, the cases that changed, both answers to the one under the cursor."""
        with VerticalScroll(id="versus-top", can_focus=False):
            yield Static(id="versus-head")
        yield ChangedList()
        with VerticalScroll(id="changed-about", classes="about", can_focus=False):
            yield Facts(id="changed-asked")
            with Horizontal(id="answers"):
                yield Static(id="answer-a")
                yield Static(id="answer-b")

    def look(self, workspace: Workspace, suite: str, a: Scored, b: Scored) -> None:
        """Compare two rows of a suite's matrix, unless they are one and the same."""
        names = (a.score.name, b.score.name)
        self.nothing(ALONE if a is b else Content.styled(f"Comparing {names[1]} with {names[0]} …", "$quiet"))
        self._wanted, self._of = names, (workspace, suite)
        if a is not b:
            self._compare(workspace, suite, a, b)

    def nothing(self, told: Content) -> None:
        """There is nothing to be seen but this."""
        self._wanted, self._found = ("", ""), None
        self._show_head(told)
        self.query_one(ChangedList).show([], [])

    @work(thread=True, group="versus", exclusive=True)
    @shown
    def _compare(self, workspace: Workspace, suite: str, a: Scored, b: Scored) -> None:
        with giving_up(self, self._failed):
            found = case_feed.compare(workspace, suite, a, b)
            blessed = case_feed.blessed(workspace, suite)
        if self.is_attached:
            self.app.call_from_thread(self._show, found, blessed)

    def _show(self, found: Comparison, blessed: str) -> None:
        """A comparison is there; one that is no longer wanted is passed over."""
        if self._wanted == (found.side_a.variant, found.side_b.variant):
            self._found, self._blessed = found, blessed
            self._show_found()
            self.query_one(ChangedList).show(found.broken, found.fixed)

    def action_bless(self) -> None:
        """Ask, then make B's run the baseline of the suite."""
        from app.tui.dialogs.confirm import ConfirmDialog

        if self._found is None or self._of is None:
            return
        found, workspace = self._found, self._of[0]

        def answered(yes: bool | None) -> None:
            if yes:
                self._bless(workspace, found)

        side = found.side_b
        title = f"Bless {side.variant} as the baseline of {found.suite}?"
        said = f"labels/baseline.jsonl remembers {side.run_id}; `temper compare baseline B` compares with it."
        self.app.push_screen(ConfirmDialog(title, said), answered)

    @work(thread=True, group="bless")
    @shown
    def _bless(self, workspace: Workspace, found: Comparison) -> None:
        blessed = case_feed.bless(workspace, found)
        if self.is_attached:
            self.notify(f"Blessed as the baseline of {found.suite}: {blessed}")
            self.app.call_from_thread(self._show, found, blessed)

    def action_swap(self) -> None:
        """The candidate becomes the baseline."""
        a, b = self._wanted
        self.post_message(self.Swapped(b, a))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint for what would do nothing."""
        if action == "keep":
            listed = self.query_one(ChangedList)
            return listed.chosen is not None and not listed.is_fixed
        if action == "bless":
            return self._found is not None and case_feed.key(self._found.side_b) != self._blessed
        return self._wanted[0] != self._wanted[1] if action == "swap" else True

    def action_keep(self) -> None:
        """What B broke becomes a case of a suite."""
        case = self.query_one(ChangedList).chosen
        if case is not None and self._found is not None:
            side = self._found.side_b
            self.post_message(FailureKept(side.run_id, case.case, side.variant))

    def _failed(self) -> None:
        self._show_head(UNCOMPARED)  # the error itself is shown elsewhere

    def on_resize(self) -> None:
        """Intervals are as wide as there is room."""
        self.call_after_refresh(self._show_found)

    def _show_found(self) -> None:
        if (found := self._found) is not None:
            room = (self.size.height - LEAST) // 2 - 2 * len(found.notices)  # both answers are to be seen too
            told = head(found, self.content_size.width - 1, max(1, min(SLICES, room)), self._blessed)
            self._show_head(told if found.broken or found.fixed else Content("\n").join([told, ALIKE]))

    def _show_head(self, told: Content) -> None:
        self.query_one("#versus-head", Static).update(told)

    def on_long_list_moved(self, event: LongList.Moved) -> None:
        """Both answers to the case under the cursor."""
        event.stop()
        self.screen.refresh_bindings()
        listed = self.query_one(ChangedList)
        case = listed.chosen
        asked = self.query_one("#changed-asked", Facts)
        self.query_one("#answers").display = case is not None
        if case is None:
            asked.show([])
            return
        facts: list[Fact] = [("asked", text(case.input))]
        if case.expected is not None:
            facts.append(("expected", text(case.expected)))
        asked.show(facts)
        told = answers(case, listed.is_fixed, self._wanted)
        for name, answer in zip(("a", "b"), told, strict=True):
            self.query_one(f"#answer-{name}", Static).update(answer)
        self.query_one("#changed-about", VerticalScroll).scroll_home(animate=False)
