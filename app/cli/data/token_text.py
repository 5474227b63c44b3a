"""A preview as text: what carries loss in colour, or in [[ ]] where there is no colour; the cut marked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby

import click

from store.records.preview import Preview, Token

BOUNDARY = "│"
LINE_END = "↵"
_CONTROL = {code: f"\\x{code:02x}" for code in [*range(32), *range(127, 160)] if code not in (9, 10)}


def lines_of(preview: Preview, *, colour: bool, boundaries: bool) -> Iterator[str]:
    """The row's heading, its tokens, and its figures, a line each (the tokens in one)."""
    yield heading(preview, colour)
    if preview.tokens:
        yield text_of(preview, colour=colour, boundaries=boundaries)
    yield figures(preview)
    for name, said in (("problem", preview.problem), ("note", preview.note)):
        if said:
            yield click.style(f"{name}: ", fg="red" if name == "problem" else "yellow") + said


def heading(preview: Preview, colour: bool) -> str:
    """Which row, in whose eyes."""
    ending = f"  {preview.ending} ending" if preview.ending else ""
    place = f"row {preview.row}  line {preview.line}  {preview.split}{ending}"
    marked = "coloured" if colour else "in [[ ]]"
    return click.style(place, bold=True) + f"  as {preview.model} sees it, loss on what is {marked}"


def text_of(preview: Preview, *, colour: bool, boundaries: bool) -> str:
    """All tokens as one text. `boundaries` draws a bar between tokens and an arrow at line ends."""
    mark = _coloured if colour else _bracketed
    kept = [token for token in preview.tokens if not token.cut]
    cut = preview.tokens[len(kept) :]
    text = _marked(kept, mark, boundaries)
    if cut:
        text += f"\n---- cut here: {len(cut):,} tokens behind {preview.max_length:,} ----\n"
        text += _marked(cut, mark, boundaries)
    return text


def figures(preview: Preview) -> str:
    """The row in numbers."""
    whole = len(preview.tokens)
    share = f" ({100 * preview.trained / whole:.0f}%)" if whole else ""
    ends = "EOS trained" if preview.eos_trained else "EOS not trained"
    limit = f"max_length {preview.max_length:,}" if preview.max_length else "no max_length"
    lost = f", {preview.cut_trained:,} of them with loss" if preview.cut_trained else ""
    cut = f"{preview.cut:,} cut{lost}" if preview.cut else "nothing cut"
    return (
        f"{whole:,} tokens, {preview.trained:,} trained{share}, {ends}, {cut} ({limit}), mask {preview.mask}"
    )


def printable(text: str) -> str:
    """Text without what would command a terminal: control characters are spelled."""
    return text.translate(_CONTROL)


def _marked(tokens: list[Token], mark: Callable[[Token, str], str], boundaries: bool) -> str:
    """Runs of tokens of a kind, each marked as one."""
    parts = []
    coloured = mark is _coloured
    for _, run in groupby(tokens, key=lambda token: (token.trained, token.cut, coloured and token.special)):
        same = list(run)
        texts = [printable(token.text) for token in same]
        if boundaries:
            texts = [text.replace("\n", f"{LINE_END}\n") + BOUNDARY for text in texts]
        elif same[0].trained:
            texts = [text.replace("\n", f"{LINE_END}\n") for text in texts]  # else it could not be seen
        parts.append(mark(same[0], "".join(texts)))
    return "".join(parts)


def _coloured(token: Token, text: str) -> str:
    """Every line of it by itself, so that a pager or a copied line keeps its colour."""
    fore = "green" if token.trained else "cyan" if token.special else None
    style = {"underline": token.trained, "bold": token.special, "dim": token.cut}
    chosen = {name: True for name, on in style.items() if on}
    return "\n".join(click.style(line, fg=fore, **chosen) if line else "" for line in text.split("\n"))


def _bracketed(token: Token, text: str) -> str:
    return f"[[{text}]]" if token.trained else text
