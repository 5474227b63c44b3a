"""The cases of one variant, failed ones first; of the one under the cursor what was said and how judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from app.tui.texts import fit, visible
from app.tui.widgets.long_list import LongList, Parts
from store.records.evals import CaseResult

WAITING = Content.styled("Reading …", "$quiet")


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
        tail = min(len(failed), width // 3)
        name = min(len(case.case), width // 4)
        room = max(0, width - 4 - name - tail - 1)
        return [
            mark(case),
            (fit(case.case, name) + "  ", "$quiet"),
            (fit(case.input, room), ""),
            (" " + fit(failed, tail), "$error"),
        ]


class CasesPane(Vertical):
    """Shows what it is given."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f", "failed", "Failed only")]

    def __init__(self) -> None:
        super().__init__(id="cases")
        self.only_failed = False
        self._all: list[CaseResult] = []
        self._whose = ""

    def compose(self) -> ComposeResult:
        """How many, the list, the case under the cursor."""
        yield Static(id="cases-head")
        yield CaseList()
        with VerticalScroll(id="case-about", can_focus=False):
            yield Static(id="case-text")

    def wait(self, whose: str) -> None:
        """Cases of a variant are being read."""
        self._whose, self._all = whose, []
        self.query_one("#cases-head", Static).update(WAITING)
        self.query_one(CaseList).show([])

    def show(self, whose: str, cases: Sequence[CaseResult]) -> None:
        """The cases of a variant are there; those of one that is no longer wanted are passed over."""
        if whose == self._whose:
            self._all = list(cases)
            self._show()

    def action_failed(self) -> None:
        """Only failed cases, or all."""
        self.only_failed = not self.only_failed
        self._show()

    def _show(self) -> None:
        failed = [case for case in self._all if not case.passed]
        shown = failed if self.only_failed else self._all
        head = f"{len(failed):,} of {len(self._all):,} failed"
        if self.only_failed:
            head += ", the others are hidden"
        self.query_one("#cases-head", Static).update(
            Content.assemble((visible(self._whose), "bold"), (f"   {head}", "$quiet"))
        )
        self.query_one(CaseList).show(shown)

    def on_long_list_moved(self, event: LongList.Moved) -> None:
        """The case under the cursor."""
        event.stop()
        case = self.query_one(CaseList).chosen
        self.query_one("#case-text", Static).update(about(case) if case is not None else "")
        self.query_one("#case-about", VerticalScroll).scroll_home(animate=False)


def mark(case: CaseResult) -> tuple[str, str]:
    """Passed, failed, or not judged."""
    if not case.judged:
        return ("? ", "$warning")
    return ("✓ ", "$success") if case.passed else ("✗ ", "$error")


def about(case: CaseResult) -> Content:
    """Question, what was expected, the answer, each check, sources, cost."""
    parts = [field("asked", case.input)]
    if case.expected is not None:
        parts.append(field("expected", case.expected))
    parts.append(field("answered", case.error or case.output, "$error" if case.error else ""))
    for call in case.tool_calls:
        parts.append(field("called", f"{call.name} {call.arguments}"))
    for check in case.checks:
        sign = ("? ", "$warning") if check.error else ("✓ ", "$success") if check.passed else ("✗ ", "$error")
        detail = check.error or check.detail
        parts.append(
            Content.assemble(
                sign, (f"{check.kind:<14}", ""), (f"{check.score:.2f}  ", "$quiet"), visible(detail)
            )
        )
    if case.hits:
        parts.append(field("sources", ", ".join(dict.fromkeys(hit.doc for hit in case.hits))))
    cost = f"{case.latency_ms:,.0f} ms, {case.prompt_tokens} + {case.completion_tokens} tokens"
    parts.append(Content.styled(cost + (", from an earlier run" if case.cached else ""), "$faint"))
    return Content("\n").join(parts)


def field(name: str, text: str, style: str = "") -> Content:
    """A label and a text that may have several lines."""
    lines = "\n".join(visible(line) for line in text.splitlines()) or "(nothing)"
    return Content.assemble((f"{name:<9} ", "$quiet"), (lines, style))
