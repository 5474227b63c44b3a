"""Figures as people read them: durations, sizes, rates, ages. Shared by the screens and the command line."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from store import clock

_SIZES = ("B", "kB", "MB", "GB", "TB")


def span(seconds: float) -> str:
    """A duration: `0:42`, `12:05`, `1:02:09`."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, seconds_left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{seconds_left:02d}" if hours else f"{minutes}:{seconds_left:02d}"


def age(moment: str, now: datetime) -> str:
    """How long ago `moment` (ISO 8601) was: `now`, `4 m`, `2 h`, `3 d`."""
    seconds = (now - clock.parse(moment)).total_seconds()
    if seconds < 60:
        return "now"
    if seconds < 3600:
        return f"{int(seconds // 60)} m"
    if seconds < 86_400:
        return f"{int(seconds // 3600)} h"
    return f"{int(seconds // 86_400)} d"


def size(count: float) -> str:
    """Bytes with a decimal unit: `812 kB`, `1.4 GB`."""
    for unit in _SIZES:
        if count < 1000 or unit == _SIZES[-1]:
            return f"{count:.1f} {unit}" if unit in ("GB", "TB") else f"{count:.0f} {unit}"
        count /= 1000
    raise AssertionError("the last unit returns")


def rate(per_second: float) -> str:
    """A number of things per second: `911`, `12.4k`."""
    return f"{per_second / 1000:.1f}k" if per_second >= 10_000 else f"{per_second:,.0f}"


def counted(count: int, one: str) -> str:
    """A number of things by the word for one: `1 group`, `2,400 groups`."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def tilde(path: Path) -> str:
    """A path as shells show it: `~/wallet-support`."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) and path != home else str(path)


def cut(text: str, width: int) -> str:
    """`text` on one line of at most `width` cells (of single-width text)."""
    flat = " ".join(text.split())
    return flat if len(flat) <= width else flat[: max(0, width - 1)] + "…"


def middle_cut(text: str, width: int) -> str:
    """`text` at most `width` long, shortened in the middle: both ends of a path tell something."""
    if len(text) <= width:
        return text
    head = (width - 1) // 3
    return f"{text[:head]}…{text[-(width - head - 1) :]}"
