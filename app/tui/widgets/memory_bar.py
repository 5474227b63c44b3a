"""The memory of a run as a stacked bar against what is free, with a legend. Words say all that colours do."""

from __future__ import annotations

from textual.content import Content

from app.tui.words import cut, size
from store.records.plan import Alternative, MemoryEstimate, MemoryPart, PartName, TrainingPlan

SHADES: dict[PartName, str] = {
    "weights": "$primary",
    "adapter": "$secondary",
    "gradients": "$accent",
    "optimiser": "$warning",
    "activations": "$state-running",
    "loss": "$success",
    "working space": "$success",
    "CUDA context": "$quiet",
}
TITLES: dict[str, str] = {"loss": "logits, loss"}
NAME_CELLS = 16


def memory(plan: TrainingPlan, width: int, notes: bool) -> Content:
    """Title, bar, legend, verdict, what would fit instead. `notes`: say what each part is made of."""
    found = plan.estimate
    where = f"   {plan.machine.name}, estimated"
    if len(where) + 6 > width:
        where = "   estimated"
    lines = [
        Content.assemble(("MEMORY", "$quiet"), (where, "$faint")),
        bar(found, width),
        *(legend(part, width, notes) for part in found.parts),
        verdict(found, width),
        *(alternative(one, width) for one in plan.alternatives),
    ]
    return Content("\n").join(lines)


def bar(found: MemoryEstimate, width: int) -> Content:
    """Parts in their colours, what is left of the free memory thin; a stroke where the free memory ends."""
    whole = max(found.total_bytes, found.free_bytes, 1)
    filled, drawn, pieces = 0.0, 0, []
    for part in found.parts:
        filled += part.bytes
        cells = round(filled / whole * width) - drawn
        pieces.append(("█" * cells, SHADES[part.name]))
        drawn += cells
    if not drawn:  # next to nothing, and not nothing
        largest = max(found.parts, key=lambda part: part.bytes)
        pieces.append(("▏", SHADES[largest.name]))
        drawn = 1
    pieces.append(("─" * (width - drawn), "$rule"))
    drawing = Content.assemble(*pieces)
    if found.total_bytes <= found.free_bytes:
        return drawing
    limit = min(width - 1, round(found.free_bytes / whole * width))
    return Content.assemble(drawing[:limit], ("│", "bold $error"), drawing[limit + 1 :])


def legend(part: MemoryPart, width: int, notes: bool) -> Content:
    """`█ weights   1.4 GB  NF4, doubly quantised`."""
    title = TITLES.get(part.name, part.name).ljust(NAME_CELLS)
    taken = size(part.bytes).rjust(8)
    room = width - NAME_CELLS - 12
    note = f"  {cut(part.note, room)}" if notes and part.note and room > 12 else ""
    return Content.assemble(("█ ", SHADES[part.name]), title, (taken, "bold"), (note, "$faint"))


def verdict(found: MemoryEstimate, width: int) -> Content:
    """The sum against what is free."""
    fits = ("fits", "bold $success") if found.fits else ("does not fit", "bold $error")
    taken = size(found.total_bytes)
    free = f" of {size(found.free_bytes)} free  "
    if NAME_CELLS + 11 + len(free) + len(fits[0]) > width:
        if len(taken) + len(free) + len(fits[0]) + 2 > width:
            free = f" of {size(found.free_bytes)} "
        return Content.assemble("  ", (taken, "bold"), (free, "$quiet"), fits)
    head = ("  together".ljust(NAME_CELLS + 2), taken.rjust(8))
    return Content.assemble(head[0], (head[1], "bold"), " ", (free, "$quiet"), fits)


def alternative(one: Alternative, width: int) -> Content:
    """A way to take less, and what it costs."""
    head = ("  would fit  ", "$success") if one.fits else ("  still not  ", "$error")
    said = f"{size(one.total_bytes)}  {one.words}"
    return Content.assemble(head, cut(said, max(12, width - 13)))
