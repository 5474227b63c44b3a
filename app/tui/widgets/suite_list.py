"""Suites as a list: the best score so far, how many variants and runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from app.tui.scoreboard import Sheet
from app.tui.texts import fit
from app.tui.words import bar


class SuiteList(OptionList):
    """An option's id is the suite's name. Stays on the highlighted one while others come and go."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("enter", "select", "Open", key_display="⏎"),
    ]

    def __init__(self) -> None:
        super().__init__(id="suite-list")
        self._sheets: dict[str, Sheet] = {}

    @property
    def chosen(self) -> Sheet | None:
        """The highlighted one."""
        option = self.highlighted_option
        return self._sheets.get(option.id) if option is not None and option.id is not None else None

    def show(self, sheets: Sequence[Sheet], wanted: str = "") -> None:
        """Show these suites in this order, the cursor on the one that is wanted."""
        self._sheets = {sheet.suite: sheet for sheet in sheets}
        self._fill(wanted)

    def on_resize(self) -> None:
        """Lines are laid out for a width."""
        self._fill()

    def _fill(self, wanted: str = "") -> None:
        kept = wanted or (self.chosen.suite if self.chosen else "")
        width = max(12, self.scrollable_content_region.width - 2)
        names = list(self._sheets)
        with self.prevent(OptionList.OptionHighlighted):
            self.set_options([Option(entry(sheet, width), id=name) for name, sheet in self._sheets.items()])
        if names:
            self.highlighted = names.index(kept) if kept in names else 0


def entry(sheet: Sheet, width: int) -> Content:
    """Name; the best variant with a bar, or that it was never run."""
    name = Content.styled(fit(sheet.suite, width), "bold")
    if not sheet.rows:
        return Content("\n").join([name, Content.styled(fit("never run", width), "$quiet")])
    best = max(sheet.rows, key=lambda row: row.score.score)
    percent = f" {best.score.score:.0%} "
    room = max(0, width - 8 - len(percent))
    figures = Content.assemble(
        bar(best.score.score, 8, "$primary"), percent, (fit(best.score.name, room).rstrip(), "$quiet")
    )
    count = (
        f"{len(sheet.rows)} variant{'s' * (len(sheet.rows) != 1)}, {sheet.runs} run{'s' * (sheet.runs != 1)}"
    )
    return Content("\n").join([name, figures, Content.styled(fit(count, width), "$quiet")])
