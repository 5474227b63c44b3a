"""Labels with texts of strangers beside them: long texts go on below themselves, not below their label."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from app.tui.texts import visible_lines
from app.words import counted

LABEL = 10
MOST = 10_000  # characters of a text that are shown: laying out a megabyte takes a tenth of a second
Fact = tuple[str | Content, Content]
"""A label and what it is of; a label with a look of its own is as wide as it is, an empty one not there."""


class Facts(Static):
    """Lays itself out for its width."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._facts: Sequence[Fact] = ()
        self._laid = 0

    def show(self, facts: Sequence[Fact]) -> None:
        """Show these."""
        self._facts = facts
        self._lay()

    def on_resize(self) -> None:
        """Lines break elsewhere."""
        if self.content_size.width != self._laid:
            self._lay()

    def _lay(self) -> None:
        self._laid = self.content_size.width
        self.update(Content("\n").join(hung(fact, self._laid) for fact in self._facts))


def hung(fact: Fact, width: int) -> Content:
    """One label with its text, broken into lines of `width` cells."""
    label, text = fact
    if not label:
        return text
    named = label if isinstance(label, Content) else Content.styled(f"{label:<{LABEL}}", "$quiet")
    room = max(8, width - named.cell_length)
    lines = [part for line in text.split("\n") for part in (line.wrap(room) or [line])]
    return named + Content("\n" + " " * named.cell_length).join(lines)


def in_lines(parts: Sequence[Content], width: int, gap: str = "   ") -> list[Content]:
    """Whole parts only, as many in a line of `width` cells as fit."""
    lines: list[Content] = []
    for part in parts:
        if lines and lines[-1].cell_length + len(gap) + part.cell_length <= width:
            lines[-1] = lines[-1] + gap + part
        else:
            lines.append(part)
    return lines


def text(words: str, style: str = "", most: int = MOST) -> Content:
    """A stranger's text; what is empty is said to be, and of a long one how much is not shown."""
    shown = Content.styled(visible_lines(words[:most]), style)
    if not shown:
        return Content.styled("(nothing)", "$quiet")
    return shown + Content.styled(left_out(len(words) - most), "$quiet")


def left_out(count: int) -> str:
    """What stands behind a text of which `count` characters are not shown; nothing where that is all."""
    return f" … {counted(count, 'character')} more" if count > 0 else ""
