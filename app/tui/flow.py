"""Text as lines of a given width: words stay whole, control characters can be seen, each stretch has a look.

A look is a number; what it stands for is for the caller to say. Knows no widget and no colour.
"""

from __future__ import annotations

import msgspec
from rich.cells import cell_len, chop_cells

from app.tui.texts import visible


class Piece(msgspec.Struct, frozen=True):
    """A stretch of a line that looks the same."""

    text: str
    look: int


class FlowLine(msgspec.Struct):
    """One line: pieces of text, or a `rule` across the text that says something."""

    pieces: list[Piece]
    rule: str = ""


class Flow:
    """Lines as they fill up; a line break of the text is shown as `breaks`.

    A word is what comes between two spaces, however many looks it has.
    """

    def __init__(self, width: int, breaks: str = "↵") -> None:
        self.lines = [FlowLine([])]
        self._breaks = breaks
        self._width = max(8, width)
        self._column = 0
        self._word: list[Piece] = []
        self._word_width = 0

    def add(self, text: str, look: int) -> None:
        """More text of one look; a word may go on in the next."""
        for number, part in enumerate(text.split("\n")):
            if number:
                if self._breaks:
                    self._append(Piece(self._breaks, look))
                self.end_line()
            if part:
                self._append(Piece(part if part.isprintable() else visible(part), look))

    def end_line(self) -> None:
        """What follows stands in the next line."""
        self.flush()
        self.lines.append(FlowLine([]))
        self._column = 0

    def rule(self, said: object) -> None:
        """A line across the text."""
        self.end_line()
        self.lines[-1] = FlowLine([], str(said))
        self.lines.append(FlowLine([]))

    def flush(self) -> None:
        """Put the word down, on the next line if it does not fit into this one."""
        word, width = self._word, self._word_width
        self._word, self._word_width = [], 0
        if not word:
            return
        if self._column and self._column + width > self._width:
            word = self._leave_space(word)
            self.lines.append(FlowLine([]))
            self._column = 0
        for piece in word:
            self._put(piece)

    def _append(self, piece: Piece) -> None:
        if piece.text[0] == " " or (self._word and self._word[-1].text[-1] == " "):
            self.flush()
        self._word.append(piece)
        self._word_width += _width(piece.text)

    def _leave_space(self, word: list[Piece]) -> list[Piece]:
        """The space before a word that goes to the next line stays at the end of this one."""
        first = word[0]
        if first.text[0] != " " or self._column >= self._width:
            return word
        self._put(Piece(" ", first.look))
        rest = first.text[1:]
        return [Piece(rest, first.look), *word[1:]] if rest else word[1:]

    def _put(self, piece: Piece) -> None:
        width = _width(piece.text)
        if self._column + width <= self._width:
            self.lines[-1].pieces.append(piece)
            self._column += width
            return
        for number, part in enumerate(_chopped(piece.text, self._width - self._column, self._width)):
            if number:
                self.lines.append(FlowLine([]))
                self._column = 0
            if part:
                self.lines[-1].pieces.append(Piece(part, piece.look))
                self._column += _width(part)


def _chopped(text: str, first: int, width: int) -> list[str]:
    """`text` in parts: one of at most `first` cells, then of at most `width` cells."""
    head = chop_cells(text, first)[0] if first > 0 else ""
    if _width(head) > first:  # a wide character before the edge
        head = ""
    return [head, *chop_cells(text[len(head) :], width)]


def _width(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)
