"""Suites as a list: the best score so far, how many variants and runs."""

from __future__ import annotations

from textual.content import Content

from app.tui.scoreboard import Sheet
from app.tui.texts import fit
from app.tui.widgets.entry_list import EntryList
from app.tui.words import bar


class SuiteList(EntryList[Sheet]):
    """Suites, the one with the newest results first."""

    def __init__(self) -> None:
        super().__init__("suite-list")

    def key(self, item: Sheet) -> str:
        """The suite's name."""
        return item.suite

    def entry(self, item: Sheet, width: int) -> Content:
        """Name, best variant, runs."""
        return entry(item, width)


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
