"""Records as tables for people: what holds, what was reached, what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from scripts.gpu.plan import Step

Rows = Iterable[tuple[Step, dict[str, Any] | None]]


def overview(rows: Rows) -> str:
    """A line for every step: state, minutes, when, title."""
    lines = [("step", "state", "minutes", "on", "what it asks")]
    for step, record in rows:
        if record is None:
            lines.append((step.id, "not run", f"about {step.minutes:g}", "", step.title))
            continue
        state = record["state"] + (" (rehearsal)" if record["rehearsal"] else "")
        when = f"{record['time'][:10]} {(record.get('device') or {}).get('name', '')}"
        lines.append((step.id, state, f"{record['seconds'] / 60:.1f}", when, step.title))
    return in_columns(lines)


def details(step: Step, record: dict[str, Any]) -> str:
    """All that one step found, or why it found nothing."""
    mark = "  REHEARSAL, counts for nothing" if record["rehearsal"] else ""
    lines = [f"{step.id}  {record['state'].upper()}  {record['seconds']:.0f} s{mark}  {step.title}"]
    if record.get("reason"):
        lines.append(f"  {record['reason']}")
    found = record.get("found") or {"gates": [], "goals": [], "figures": {}}
    for gate in found["gates"]:
        lines.append(f"  {'holds ' if gate['passed'] else 'FAILS '}  {gate['name']}: {gate['detail']}")
    for goal in found["goals"]:
        met = "met" if goal["met"] else "MISSED"
        lines.append(f"  goal    {goal['name']}: {goal['value']:g} ({goal['target']}: {met})")
    lines += [f"  {line}" for name, value in found["figures"].items() for line in figure(name, value)]
    return "\n".join(lines)


def figure(name: str, value: Any) -> list[str]:
    """A figure, or a table of them: a list of objects with the same keys."""
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        heads = list(value[0])
        rows = [heads, *([shown(one.get(head)) for head in heads] for one in value)]
        return [f"{name}:", *(f"  {line}" for line in in_columns(rows).splitlines())]
    return [f"{name}: {shown(value)}"]


def shown(value: Any) -> str:
    """A value in a cell."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None else str(value)


def in_columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, each column as wide as its widest."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
