"""Variants as lines of a matrix: how many passed, drawn with its interval, then checks or slices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import ClassVar

import msgspec
from rich.cells import cell_len
from textual.binding import Binding, BindingType

from app.tui.scoreboard import By, Cell, Scored, Sheet, cell, columns, overall
from app.tui.texts import fit
from app.tui.widgets.long_list import LongList, Parts
from app.tui.widgets.spread import STEPS, between, share

NAME = (8, 24)  # least and most cells of a variant's name
BAR = (9, 44)
FIGURES = 15  # of the share and its interval
COLUMN = (11, 14)
MORE = 4  # cells that say how many columns there are besides
PASSED = "passed, with its 95% interval"


class Plan(msgspec.Struct):
    """What stands where in so many cells: name, bar, figures, the columns that fit with their widths."""

    name: int
    bar: int
    columns: list[tuple[str, int]]


def plan(rows: Sequence[Scored], waiting: Sequence[str], names: Sequence[str], width: int) -> Plan:
    """As many of the columns `names` as fit beside the shortest bar; what is left goes to the bar."""
    longest = max((cell_len(name) for name in (*(row.score.name for row in rows), *waiting)), default=0)
    name = max(NAME[0], min(NAME[1], longest, width // 4))
    room = width - 2 - name - 1 - BAR[0] - FIGURES
    widths = [max(COLUMN[0], min(COLUMN[1], len(one) + 2)) for one in names]
    ends = list(accumulate(widths))
    if ends and ends[-1] > room:
        room -= MORE
    fitting = sum(end <= room for end in ends)
    fitting = max(fitting, 1) if names else 0
    left = room - sum(widths[:fitting])
    return Plan(
        name,
        max(4, min(BAR[1], BAR[0] + left)),
        list(zip(names[:fitting], widths[:fitting], strict=True)),
    )


class VariantRows(LongList):
    """A line per variant, those without results last. `first` is the first column that is to be seen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Its cases", key_display="⏎"),
    ]

    def __init__(self) -> None:
        super().__init__(id="variant-rows")
        self.sheet = Sheet("")
        self.by: By = "checks"
        self.names: list[str] = []
        self.first = 0
        self.baseline = ""
        self._best: dict[str, float] = {}

    @property
    def chosen(self) -> Scored | None:
        """The variant under the cursor, where it has results."""
        return self.sheet.rows[self.cursor] if self.cursor < len(self.sheet.rows) else None

    @property
    def chosen_name(self) -> str:
        """Its name, with results or without; empty where there are no variants."""
        names = [*(row.score.name for row in self.sheet.rows), *self.sheet.waiting]
        return names[self.cursor] if self.cursor < len(names) else ""

    def show(self, sheet: Sheet, by: By, first: int, baseline: str) -> None:
        """Show these variants by their checks or slices."""
        kept, same = self.chosen_name, sheet.suite == self.sheet.suite
        self.sheet, self.by, self.first, self.baseline = sheet, by, first, baseline
        self.names = columns(sheet.rows, by)
        self._best = {
            name: max((one.value for row in sheet.rows if (one := cell(row.score, by, name))), default=0.0)
            for name in self.names
        }
        names = [*(row.score.name for row in sheet.rows), *sheet.waiting]
        self.set_count(len(names), names.index(kept) if same and kept in names else 0)

    def go_to(self, name: str) -> None:
        """Put the cursor on a variant that has results."""
        names = [row.score.name for row in self.sheet.rows]
        if name in names:
            self.cursor = names.index(name)

    def plan(self, width: int) -> Plan:
        """What stands where in a line of so many cells."""
        return plan(self.sheet.rows, self.sheet.waiting, self.names[self.first :], width)

    def head(self, width: int) -> Parts:
        """What the columns are, and how many more there are to the left and right."""
        laid = self.plan(width)
        before = f"◂{self.first} " if self.first else ""
        room = laid.bar + FIGURES
        behind = len(self.names) - self.first - len(laid.columns)
        return [
            (fit(f"{before}by {self.by}", 2 + laid.name + 1), "$quiet"),
            (fit(PASSED if room > len(PASSED) else "passed, 95%", room), "$quiet"),
            *((fit(f" {name}", cells), "$quiet") for name, cells in laid.columns),
            (f" {behind}▸" if behind > 0 else "", "$accent"),
        ]

    def line(self, index: int, width: int) -> Parts:
        """`A base     ━━━━├●┤···  66.7%  60-73%  ▅ 66.7% ...`."""
        laid, rows = self.plan(width), self.sheet.rows
        if index >= len(rows):
            name = self.sheet.waiting[index - len(rows)]
            told = "not measured: e evaluates it" if index == self.cursor else "not measured"
            return [("  ", ""), (fit(name, laid.name) + " ", "$quiet"), (told, "$quiet")]
        row = rows[index]
        whole, best = overall(row.score), row.score.score == max(one.score.score for one in rows)
        mark = "A " if row.score.name == self.baseline else "  "
        return [
            (mark, "bold $accent"),
            (fit(row.score.name, laid.name) + " ", "bold" if best else ""),
            *share(whole.value, whole.span, laid.bar, "$success" if best else "$primary"),
            (f"{whole.value:>7.1%}", "bold" if best else ""),
            (f" {between(whole.span):<7}", "$quiet"),
            *(
                _field(cell(row.score, self.by, name), self._best[name], cells)
                for name, cells in laid.columns
            ),
        ]


def _field(one: Cell | None, best: float, cells: int) -> tuple[str, str]:
    if one is None:
        return (fit("       ·", cells), "$faint")
    step = STEPS[min(len(STEPS) - 1, int(one.value * len(STEPS)))]
    return (fit(f" {step} {one.value:>6.1%}", cells), "bold $primary" if one.value == best else "$quiet")
