"""Tokens as lines of a given width: words stay whole, line breaks and control characters can be seen.

What a token looks like is named here; colours are not known (app.tui.widgets.token_view).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec
from rich.cells import cell_len, chop_cells

from app.tui.texts import visible
from store.records.preview import Preview, Token

SHOWN_FIRST, SHOWN_LAST = 6_000, 4_000  # tokens of a very long row; what matters is at its two ends

SPECIAL, TRAINED, CUT, ODD = 1, 2, 4, 8
"""The bits of a look. ODD alternates from token to token, so that their borders can be seen."""

_SPECIAL = re.compile(r"<[^<>\s]+>|\[/?[A-Z_]+\]")


class Piece(msgspec.Struct, frozen=True):
    """A stretch of a line that looks the same."""

    text: str
    look: int


class TokenLine(msgspec.Struct):
    """One line: pieces of tokens, or a `rule` across the text that says something."""

    pieces: list[Piece]
    rule: str = ""

    @property
    def trained(self) -> bool:
        """Whether something in it carries loss."""
        return any(piece.look & TRAINED and not piece.look & CUT for piece in self.pieces)


def lay(preview: Preview, width: int) -> list[TokenLine]:
    """The row in lines of at most `width` cells. Of a very long row the middle is left out, and said so."""
    page = _Page(width)
    for index, token in _shown(preview.tokens):
        if index < 0:
            page.rule(token)
            continue
        assert isinstance(token, Token)
        if token.cut and (index == 0 or not preview.tokens[index - 1].cut):
            page.rule(f"cut here, at {index:,} tokens: {preview.cut:,} behind it are not trained on")
        page.add(token.text, look_of(token, index))
    page.flush()
    return [line for line in page.lines if line.pieces or line.rule]


def look_of(token: Token, index: int) -> int:
    """The bits of how a token looks."""
    bracket = "<" in token.text or "[" in token.text  # asked first: few tokens have one
    special = SPECIAL if bracket and _SPECIAL.fullmatch(token.text.strip()) else 0
    return special | TRAINED * token.trained | CUT * token.cut | ODD * (index % 2)


def _shown(tokens: Sequence[Token]) -> Iterator[tuple[int, Token | str]]:
    """Index and token; for what is left out (-1, what to say)."""
    left_out = len(tokens) - SHOWN_FIRST - SHOWN_LAST
    if left_out <= 0:
        yield from enumerate(tokens)
        return
    yield from enumerate(tokens[:SHOWN_FIRST])
    yield -1, f"{left_out:,} tokens are not shown"
    yield from enumerate(tokens[-SHOWN_LAST:], len(tokens) - SHOWN_LAST)


class _Page:
    """Lines as they fill up. A word is what comes between two spaces, however many tokens it has."""

    def __init__(self, width: int) -> None:
        self.lines = [TokenLine([])]
        self._width = max(8, width)
        self._column = 0
        self._word: list[Piece] = []
        self._word_width = 0

    def add(self, text: str, look: int) -> None:
        """A token's text."""
        for number, part in enumerate(text.split("\n")):
            if number:
                self._append(Piece("↵", look))
                self._break()
            if part:
                self._append(Piece(part if part.isprintable() else visible(part), look))

    def rule(self, said: object) -> None:
        """A line across the text."""
        self._break()
        self.lines[-1] = TokenLine([], str(said))
        self.lines.append(TokenLine([]))

    def flush(self) -> None:
        """Put the word down, on the next line if it does not fit into this one."""
        word, width = self._word, self._word_width
        self._word, self._word_width = [], 0
        if not word:
            return
        if self._column and self._column + width > self._width:
            word = self._leave_space(word)
            self.lines.append(TokenLine([]))
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
                self.lines.append(TokenLine([]))
                self._column = 0
            if part:
                self.lines[-1].pieces.append(Piece(part, piece.look))
                self._column += _width(part)

    def _break(self) -> None:
        self.flush()
        self.lines.append(TokenLine([]))
        self._column = 0


def _chopped(text: str, first: int, width: int) -> list[str]:
    """`text` in parts: one of at most `first` cells, then of at most `width` cells."""
    head = chop_cells(text, first)[0] if first > 0 else ""
    if _width(head) > first:  # a wide character before the edge
        head = ""
    return [head, *chop_cells(text[len(head) :], width)]


def _width(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)
