"""The cases of one variant, failed ones first; of the one under the cursor what was said and how judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from app.tui.messages import FailureKept
from app.tui.texts import fit, visible
from app.tui.widgets.case_words import about, mark
from app.tui.widgets.facts import Facts
from app.tui.widgets.long_list import LongList, Parts
from store.records.evals import CaseResult, Origin

ID_CELLS = 12
WAITING = Content.styled("Reading …", "$quiet")
UNREAD = Content.assemble(("✗ ", "$error"), "The cases could not be read.")
ALL_PASSED = Content.assemble(
    ("✓ ", "$success"), ("Every case passed. ", ""), ("f", "bold $accent"), " shows them."
)


class CaseList(LongList):
    """A line per case: mark, id, question, failed checks."""

    def __init__(self) -> None:
        super().__init__(id="case-list")
        self.cases: list[CaseResult] = []

    @property
    def chosen(self) -> CaseResult | None:
        """The case under the cursor."""
        return self.cases[self.cursor] if self.cursor < len(self.cases) else None

    def show(self, cases: Sequence[CaseResult]) -> None:
        """Show these."""
        self.cases = list(cases)
        self.set_count(len(cases))

    def line(self, index: int, width: int) -> Parts:
        """`✗ c12  I lost my phone   exact`."""
        case = self.cases[index]
        failed = " ".join(check.kind for check in case.checks if not check.passed and not check.error)
        failed = "no answer" if case.error else failed
        tail = min(cell_len(failed), width // 3)
        name = short_id(case.case, width)
        room = max(0, width - 4 - cell_len(name) - tail - 1)
        return [
            mark(case),
            (name + "  ", "$quiet"),
            (fit(case.input, room), ""),
            (" " + fit(failed, tail), "$error"),
        ]


class CasesPane(Vertical):
    """Shows what it is given; says which failure is to become a case."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "failed", "Failed only"),
        Binding("a", "keep", "Keep as a case"),
    ]

    def __init__(self) -> None:
        super().__init__(id="cases")
        self.only_failed = False
        self._all: list[CaseResult] = []
        self._whose = ""
        self._run = ""
        self._origins: Mapping[str, Origin] = {}

    def compose(self) -> ComposeResult:
        """How many, the list, the case under the cursor."""
        yield Static(id="cases-head")
        yield CaseList()
        with VerticalScroll(id="case-about", classes="about", can_focus=False):
            yield Facts(id="case-text")

    def wait(self, whose: str, run: str) -> None:
        """Cases of a variant, from one of its runs, are being read."""
        self.nothing(WAITING)
        self._whose, self._run = whose, run

    def nothing(self, told: Content) -> None:
        """There is nothing to be seen but this."""
        self._whose, self._run, self._all = "", "", []
        self.query_one("#cases-head", Static).update(told)
        self.query_one(CaseList).show([])

    def show(self, run: str, cases: Sequence[CaseResult]) -> None:
        """The cases of a run are there; those of one that is no longer wanted are passed over."""
        if run == self._run:
            self._all, self._origins = list(cases), {}
            self._show()

    def failed(self) -> None:
        """There is nothing to show; the error is shown elsewhere."""
        self.query_one("#cases-head", Static).update(UNREAD)

    def show_origins(self, run: str, origins: Mapping[str, Origin]) -> None:
        """Where the cases of the suite came from, by their ids, is known now."""
        if run == self._run and origins:
            self._origins = origins
            self._say()

    def action_failed(self) -> None:
        """Only failed cases, or all."""
        self.only_failed = not self.only_failed
        self._show()

    def action_keep(self) -> None:
        """The case under the cursor becomes one of a suite."""
        if (case := self.query_one(CaseList).chosen) is not None:
            self.post_message(FailureKept(self._run, case.case, case.variant))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint for what would do nothing."""
        if action == "keep":
            chosen = self.query_one(CaseList).chosen
            return chosen is not None and not chosen.passed
        return bool(self._all) if action == "failed" else True

    def _show(self) -> None:
        failed = [case for case in self._all if not case.passed]
        shown = failed if self.only_failed else self._all
        head = f"{len(failed):,} of {len(self._all):,} failed"
        if self.only_failed:
            head += ", the others are hidden"
        told = Content.assemble((visible(self._whose), "bold"), (f"   {head}", "$quiet"))
        if self.only_failed and not failed:
            told = ALL_PASSED
        self.query_one("#cases-head", Static).update(told)
        self.query_one(CaseList).show(shown)

    def on_long_list_moved(self, event: LongList.Moved) -> None:
        """The case under the cursor."""
        event.stop()
        self._say()
        self.query_one("#case-about", VerticalScroll).scroll_home(animate=False)
        self.screen.refresh_bindings()

    def _say(self) -> None:
        case = self.query_one(CaseList).chosen
        facts = about(case, self._origins.get(case.case)) if case is not None else []
        self.query_one("#case-text", Facts).show(facts)


def short_id(case: str, width: int) -> str:
    """A case's id, cut where it is long: it tells less than the question."""
    return fit(case, min(cell_len(case), ID_CELLS, width // 4))
