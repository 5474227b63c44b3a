"""Runs as a list: state by mark and colour, title, kind, age, how far. Keeps its place while runs change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

import msgspec
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from app.tui import theme
from app.tui.messages import RunNow
from app.tui.texts import fit
from app.tui.words import age, cut
from store import clock
from store.records.runs import State


class Row(msgspec.Struct, frozen=True):
    """What a list says of one run."""

    state: State
    title: str
    kind: str
    how_far: str
    age: str


class RunList(OptionList):
    """One or two lines per run; an option's id is the run's. `show` touches only what differs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
    ]

    def __init__(self, id: str | None = None, lines: int = 2) -> None:
        super().__init__(id=id)
        self._prompt = two_lines if lines == 2 else one_line
        self._rows: dict[str, Row] = {}
        self._width = 0

    @property
    def chosen(self) -> str | None:
        """The id of the highlighted run."""
        option = self.highlighted_option
        return option.id if option is not None else None

    def show(self, runs: Sequence[RunNow]) -> None:
        """Show these runs in this order, staying on the highlighted one if it is still there."""
        now = clock.now()
        rows = {run.view.run_id: row(run, now) for run in runs}
        if list(rows) == list(self._rows):
            for run_id, new in rows.items():
                if new != self._rows[run_id]:
                    self.replace_option_prompt(run_id, self._prompt(new, self._width))
            self._rows = rows
        else:
            self._rows = rows
            self._fill()

    def _fill(self) -> None:
        kept = self.chosen
        with self.prevent(OptionList.OptionHighlighted):
            self.set_options(
                [Option(self._prompt(new, self._width), id=run_id) for run_id, new in self._rows.items()]
            )
        if self._rows:
            self.highlighted = list(self._rows).index(kept) if kept in self._rows else 0
        self.call_after_refresh(self.on_resize)  # a scroll bar may have come or gone

    def on_resize(self) -> None:
        """Lines are laid out for a width."""
        width = max(12, self.scrollable_content_region.width - 2)
        if width != self._width:
            self._width = width
            self._fill()

    def choose(self, run_id: str) -> bool:
        """Highlight a run; False when it is not in the list."""
        if run_id not in self._rows:
            return False
        self.highlighted = self.get_option_index(run_id)
        return True


def row(run: RunNow, now: datetime) -> Row:
    """The texts of one run."""
    view, how_far = run.view, str(run.view.state)
    if view.state == "running":
        done, total = (view.step, view.total) if view.total else (0, 0)
        if not total and run.progress is not None:
            done, total = run.progress.done, run.progress.total
        if total:
            how_far = f"{100 * done // total} %"
    return Row(view.state, view.title or view.run_id, view.kind, how_far, age(view.created, now))


def two_lines(row: Row, width: int) -> Content:
    """Title above; kind, state and (at the right edge) age below."""
    left = cut(f"{row.kind} ·", max(0, width - 4 - len(row.how_far) - len(row.age))) + " "
    gap = max(1, width - 2 - len(left) - len(row.how_far) - len(row.age))
    return Content.assemble(
        (theme.mark(row.state), theme.colour(row.state)),
        " ",
        (cut(row.title, width - 2), "bold"),
        "\n  ",
        (left, "$quiet"),
        (row.how_far, theme.colour(row.state)),
        (" " * gap + row.age, "$quiet"),
    )


def one_line(row: Row, width: int) -> Content:
    """Mark, title, state, age."""
    tail = f"{row.how_far:>10}{row.age:>8}"
    title = fit(row.title, max(4, width - 2 - len(tail)))
    return Content.assemble(
        (theme.mark(row.state), theme.colour(row.state)),
        " ",
        title,
        (f"{row.how_far:>10}", theme.colour(row.state)),
        (f"{row.age:>8}", "$quiet"),
    )
