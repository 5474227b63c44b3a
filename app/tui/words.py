"""Figures as screens show them: those of app.words, a bar in colours, texts cut by cells. Knows no widget."""

from __future__ import annotations

from textual.content import Content

from app.tui.texts import fit
from app.words import age, middle_cut, rate, size, span, tilde

__all__ = ["age", "bar", "cut", "middle_cut", "rate", "size", "span", "tilde"]


def bar(share: float, width: int, colour: str) -> Content:
    """A bar of `width` cells; `share` is in [0, 1]. What is missing is thin: it shows without colour too."""
    full = round(max(0.0, min(1.0, share)) * width)
    return Content.assemble(("━" * full, colour), ("─" * (width - full), "$rule"))


def cut(text: str, width: int) -> str:
    """`text` on one line of at most `width` cells."""
    return fit(text, width).rstrip()
