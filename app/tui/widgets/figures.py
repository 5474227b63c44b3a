"""The numbers behind a finding as small charts and lines of text. Knows no check: goes by what a value is.

Counts by name become bars, counts by length become columns, single numbers a line each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from app.tui.texts import fit
from app.tui.words import bar

BARS = 12  # names shown at most
NAME_CELLS = 24
NAMES = 4
COLUMNS_HIGH = 4
_EIGHTHS = " ▁▂▃▄▅▆▇█"


def charts(figures: Mapping[str, Any], width: int) -> Content | None:
    """Everything that can be shown of `figures` in `width` cells; None where there is nothing."""
    parts = [part for name, value in figures.items() if (part := _chart(name, value, width)) is not None]
    lines = [line for name, value in figures.items() if (line := _line(name, value)) is not None]
    facts = [Content("   ").join(lines)] if lines else []
    return Content("\n").join([*facts, *parts]) if facts or parts else None


def _chart(name: str, value: Any, width: int) -> Content | None:
    title = Content.styled(words(name), "$quiet")
    if isinstance(value, Mapping):
        counts = {str(key): count for key, count in value.items() if _is_number(count)}
        if not counts:
            return None
        body = columns(counts, width) if _are_ranges(list(counts)) else bars(counts, width)
    elif _are_pairs(value):
        counts = {str(first): count for first, count in value}
        body = columns(counts, width) if _are_ranges(list(counts)) else bars(counts, width)
    elif (records := _named(value)) is not None:
        body = bars(records, width)
    elif isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 2:
        if not all(_is_number(one) for one in value):
            return None
        body = columns({str(place): one for place, one in enumerate(value)}, width)
    else:
        return None
    return Content.assemble(title, "\n", body)


def _line(name: str, value: Any) -> Content | None:
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        value = ", ".join(value[:NAMES]) + (f" and {len(value) - NAMES} more" if len(value) > NAMES else "")
    if isinstance(value, bool) or not value or not (_is_number(value) or isinstance(value, str)):
        return None
    shown = value if isinstance(value, str) else number(value)
    return Content.assemble((f"{words(name)} ", "$quiet"), fit(shown, min(60, cell_len(shown))).rstrip())


def bars(counts: Mapping[str, float], width: int) -> Content:
    """A bar per name, the largest first; what does not fit is added up in the last line."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    most, whole = ordered[0][1], sum(counts.values())
    column = min(NAME_CELLS, max(len(name) for name, _ in ordered) + 1, width // 2)
    lines = []
    for name, count in ordered[:BARS]:
        tail = f" {number(count):>7} {percent(count, whole):>5}"
        length = bar(count / most if most else 0.0, max(3, width - column - len(tail)), "$primary")
        lines.append(Content.assemble((fit(name, column), "$quiet"), length, tail))
    if len(ordered) > BARS:
        rest = ordered[BARS:]
        least = f"… {len(rest)} more, the smallest {rest[-1][0]!r} with {number(rest[-1][1])}"
        lines.append(Content.styled(fit(least, width).rstrip(), "$quiet"))
    return Content("\n").join(lines)


def columns(counts: Mapping[str, float], width: int) -> Content:
    """A histogram: a column per range, the first and last named below."""
    values = list(counts.values())
    names = list(counts)
    wide = max(1, min(6, width // max(1, len(values))))
    values = values[: width // wide]
    most = max(values) or 1
    eighths = [max(1, round(value / most * COLUMNS_HIGH * 8)) if value else 0 for value in values]
    lines = []
    for level in reversed(range(COLUMNS_HIGH)):
        cells = (_EIGHTHS[max(0, min(8, height - 8 * level))] * wide for height in eighths)
        lines.append(Content.styled("".join(cells), "$primary"))
    room = len(values) * wide
    last = f"{names[len(values) - 1]}"
    below = fit(names[0], max(1, room - len(last) - 1)) + " " + last if room > len(last) + 2 else names[0]
    return Content("\n").join([*lines, Content.styled(below, "$quiet")])


def words(name: str) -> str:
    """A key as people read it."""
    return name.replace("_", " ")


def number(value: float) -> str:
    """`1,204` or `0.83`."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.3g}"


def percent(count: float, whole: float) -> str:
    """`12 %`; something is never 0 %, and not all is never 100 %."""
    if not whole or count <= 0:
        return "0 %"
    share = 100 * count / whole
    return "<1 %" if share < 1 else ">99 %" if 99 < share < 100 else f"{share:.0f} %"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_pairs(value: Any) -> bool:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) < 2:
        return False
    return all(isinstance(one, Sequence) and len(one) == 2 and _is_number(one[1]) for one in value)


def _named(value: Any) -> dict[str, float] | None:
    """Records as counts by name: by all that is text in one, counted by its first number."""
    if not isinstance(value, Sequence) or not value or not all(isinstance(one, Mapping) for one in value):
        return None
    counts: dict[str, float] = {}
    for record in value:
        names = [_text(one) for key, one in record.items() if key != "row" and _text(one)]
        numbers = [one for one in record.values() if _is_number(one)]
        if not names or not numbers:
            return None
        counts[" / ".join(names)] = numbers[0]
    return counts


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    is_list = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return " ".join(value) if is_list else ""


def _are_ranges(names: list[str]) -> bool:
    """Whether the names are numbers or ranges of them: their order means something."""
    return len(names) > 2 and all(
        name[:1].isdigit() and set(name) <= set("0123456789.,-+ k") for name in names
    )
