"""Texts of strangers on the screen: one line of so many cells, and nothing that a terminal would obey."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

# Marks that turn the direction of writing would also turn what stands beside the text.
_TURNING = [0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_CONTROL = {code: 0x2400 + code for code in range(32)} | {0x7F: 0x2421}
_CONTROL |= dict.fromkeys([*range(0x80, 0xA0), *_TURNING], 0xFFFD)
OBEYED = tuple(_CONTROL)
"""Code points that a terminal would act on instead of showing them."""
_LOOKED_AT = 4  # characters per cell that are looked at: rows may be megabytes long


def visible(text: str) -> str:
    """`text` with control characters as pictures of themselves: what comes out of it is only to be seen."""
    return text.translate(_CONTROL)


def visible_lines(text: str) -> str:
    """The same for a text of several lines."""
    return "\n".join(visible(line) for line in text.splitlines())


def fit(text: str, width: int) -> str:
    """`text` on one line of exactly `width` cells, cut with an ellipsis or filled up with spaces."""
    flat = visible(" ".join(text[: _LOOKED_AT * width + 4].split()))
    if flat.isascii():
        return flat.ljust(width) if len(flat) <= width else flat[: max(0, width - 1)] + "…" * (width > 0)
    if cell_len(flat) <= width:
        return set_cell_size(flat, width)
    return set_cell_size(flat, max(0, width - 1)) + "…" * (width > 0)


def fit_end(text: str, width: int) -> str:
    """As `fit`, but it is the beginning that is cut: the end of a path tells more."""
    flat = visible(" ".join(text.split()))
    if cell_len(flat) <= width:
        return set_cell_size(flat, width)
    kept = flat[-max(0, width - 1) :] if width > 1 else ""
    while cell_len(kept) > width - 1:
        kept = kept[1:]
    return set_cell_size("…" * (width > 0) + kept, width)
