"""Labels with texts of strangers beside them: long texts go on below themselves, not below their label."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from app.tui.texts import visible

LABEL = 10
Fact = tuple[str, Content]
"""A label and what it is of; with an empty label, a line of its own."""


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
    lines = [part for line in text.split("\n") for part in (line.wrap(max(8, width - LABEL)) or [line])]
    named = Content.styled(f"{label:<{LABEL}}", "$quiet")
    return named + Content("\n" + " " * LABEL).join(lines)


def in_lines(parts: Sequence[Content], width: int, gap: str = "   ") -> list[Content]:
    """Whole parts only, as many in a line of `width` cells as fit."""
    lines: list[Content] = []
    for part in parts:
        if lines and lines[-1].cell_length + len(gap) + part.cell_length <= width:
            lines[-1] = lines[-1] + gap + part
        else:
            lines.append(part)
    return lines


def text(words: str, style: str = "") -> Content:
    """A stranger's text; what is empty is said to be."""
    shown = "\n".join(visible(line) for line in words.splitlines())
    return Content.styled(shown, style) if shown else Content.styled("(nothing)", "$quiet")
