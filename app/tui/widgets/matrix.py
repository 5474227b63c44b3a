"""Variants by checks or slices as a matrix of shares: the best of each column is bold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from app.tui.scoreboard import By, Cell, Scored, Sheet, cell, columns
from app.tui.texts import fit
from app.tui.widgets.long_list import LongList, Parts
from app.tui.words import age
from store import clock

COLUMN = 13
NAME = 22
STEPS = "▁▂▃▄▅▆▇█"


class VariantRows(LongList):
    """A line per variant. `first` is the first column that is to be seen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Its cases", key_display="⏎"),
    ]

    def __init__(self) -> None:
        super().__init__(id="variant-rows")
        self.rows: list[Scored] = []
        self.by: By = "checks"
        self.names: list[str] = []
        self.first = 0
        self.baseline = ""
        self._best: dict[str, float] = {}

    @property
    def chosen(self) -> Scored | None:
        """The variant under the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def show(self, rows: Sequence[Scored], by: By, first: int, baseline: str) -> None:
        """Show these variants by their checks or slices."""
        kept = self.chosen.score.name if self.chosen is not None else ""
        self.rows, self.by, self.first, self.baseline = list(rows), by, first, baseline
        self.names = columns(rows, by)
        self._best = {
            name: max((one.value for row in rows if (one := cell(row.score, by, name))), default=0.0)
            for name in self.names
        }
        names = [row.score.name for row in rows]
        self.set_count(len(rows), names.index(kept) if kept in names else 0)

    def line(self, index: int, width: int) -> Parts:
        """`A base     66.7% ±1.5   ▅ 66.7% ...`."""
        row = self.rows[index]
        score = row.score
        mark = "A " if score.name == self.baseline else "  "
        top = max(one.score.score for one in self.rows)
        parts: Parts = [
            (mark, "bold $accent"),
            (fit(score.name, NAME - 2), ""),
            (f"{score.score:>6.1%} ±{100 * score.stderr:<5.1f}", _shade(score.score == top)),
        ]
        for name in shown_columns(self.names, self.first, width):
            parts.append(_cell_part(cell(score, self.by, name), self._best[name]))
        return parts


class MatrixPane(Vertical):
    """The matrix with its head; left and right turn to further columns."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "by", "Checks or slices"),
        Binding("a", "baseline", "Baseline"),
        Binding("right", "turn(1)", "More columns", show=False),
        Binding("left", "turn(-1)", "Columns before", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="matrix")
        self.by: By = "checks"
        self.first = 0
        self.baseline = ""
        self._sheet: Sheet | None = None

    def compose(self) -> ComposeResult:
        """Names of columns, a line per variant, what is said of the one under the cursor."""
        yield Static(id="matrix-head")
        yield VariantRows()
        yield Static(id="matrix-note")

    @property
    def rows(self) -> VariantRows:
        """The variants."""
        return self.query_one(VariantRows)

    def show(self, sheet: Sheet) -> None:
        """Show a suite; the baseline stays while it is one of its variants."""
        if self._sheet is None or self._sheet.suite != sheet.suite:
            self.first = 0
        self._sheet = sheet
        names = [row.score.name for row in sheet.rows]
        if self.baseline not in names:
            self.baseline = names[-1] if names else ""
        self._show()

    def on_resize(self) -> None:
        """As many columns as fit."""
        self._show()

    def _show(self) -> None:
        if self._sheet is None:
            return
        names = columns(self._sheet.rows, self.by)
        self.first = max(0, min(self.first, len(names) - 1))
        self.rows.show(self._sheet.rows, self.by, self.first, self.baseline)
        self.query_one("#matrix-head", Static).update(self._head(names) if self._sheet.rows else "")

    def _head(self, names: list[str]) -> Content:
        width = max(1, self.content_size.width - 2)
        seen = shown_columns(names, self.first, width)
        before = f"◂{self.first} " if self.first else ""
        behind = len(names) - self.first - len(seen)
        parts = [
            (" " + fit(f"{before}{self.by}", NAME), "$quiet"),
            (f"{'passed':>6}       ", "$quiet"),
            *((fit(f" {name}", COLUMN), "$quiet") for name in seen),
            (f" {behind}▸" if behind > 0 else "", "$accent"),
        ]
        return Content.assemble(*parts)

    def on_long_list_moved(self, event: LongList.Moved) -> None:
        """Say more of the variant under the cursor."""
        row = self.rows.chosen
        self.query_one("#matrix-note", Static).update(note(row) if row is not None else "")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No hint for what would do nothing."""
        rows = self._sheet.rows if self._sheet is not None else []
        if action == "baseline":
            return len(rows) > 1
        if action == "by":
            return any(row.score.slices for row in rows)
        return True

    def action_by(self) -> None:
        """By checks or by slices."""
        self.by, self.first = ("slices" if self.by == "checks" else "checks"), 0
        self._show()

    def action_turn(self, by: int) -> None:
        """The next or previous columns."""
        self.first += by
        self._show()

    def action_baseline(self) -> None:
        """Compare with the variant under the cursor from now on."""
        if (row := self.rows.chosen) is not None:
            self.baseline = row.score.name
            self._show()


def shown_columns(names: Sequence[str], first: int, width: int) -> list[str]:
    """The columns from `first` on that fit behind name and score."""
    room = max(1, (width - NAME - 13) // COLUMN)
    return list(names[first : first + room])


def note(row: Scored) -> Content:
    """Cases, errors, cost, the run behind it."""
    score = row.score
    ago = age(row.created, clock.now())
    parts = [f"{score.n:,} answers" + (f" to {score.cases:,} cases" if score.cases else "")]
    if score.cost is not None:
        parts.append(f"{score.cost.latency_ms:,.0f} ms, {score.cost.completion_tokens:.0f} tokens an answer")
    if score.fragility is not None:
        parts.append(f"{score.fragility:.0%} of the questions pass in some wordings only")
    if score.judges_itself:
        parts.append(f"{score.judge} judges itself")
    errors = (
        Content.styled(f"   {score.errors} could not be judged", "$warning") if score.errors else Content("")
    )
    told = Content.styled(" · ".join(parts), "$quiet")
    return Content.assemble(told, errors, (f"\n{row.run_id}, {ago}", "$faint"))


def _cell_part(one: Cell | None, best: float) -> tuple[str, str]:
    if one is None:
        return (fit("       ·", COLUMN), "$faint")
    step = STEPS[min(len(STEPS) - 1, int(one.value * len(STEPS)))]
    return (fit(f" {step} {one.value:>6.1%}", COLUMN), _shade(one.value == best))


def _shade(best: bool) -> str:
    return "bold $primary" if best else "$quiet"
