"""What this machine has left, as bars, and who has the device."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from app.tui.machine import Machine
from app.tui.words import age, bar, cut, size
from store import clock


class MachineCard(Static):
    """Shows the last look at the machine; laid out anew when its width changes."""

    def __init__(self) -> None:
        super().__init__(Content.styled("MACHINE\nLooking …", "$quiet"), id="machine", classes="card")
        self._machine: Machine | None = None

    def show(self, machine: Machine) -> None:
        """Show this look."""
        self._machine = machine
        self.update(figures(machine, max(8, self.content_size.width)))

    def on_resize(self) -> None:
        """Bars fill the card."""
        if self._machine is not None:
            self.show(self._machine)


def figures(machine: Machine, width: int) -> Content:
    """Bars of what is used, and who has the device. `width`: of the panel, in cells."""
    name = machine.gpu.name if machine.gpu else f"CPU, {machine.cores} cores"
    rows = [Content.styled("MACHINE", "$quiet"), Content.styled(cut(name, width), "bold")]
    if machine.gpu is not None:
        rows.append(_gauge("gpu", machine.gpu.total - machine.gpu.used, machine.gpu.total, width))
    rows.append(_gauge("memory", machine.memory_free, machine.memory_total, width))
    rows.append(_gauge("disk", machine.disk_free, machine.disk_total, width))
    holder = machine.holder
    who = ("free", "$state-finished") if holder is None else (cut(holder.what, width - 10), "$state-running")
    rows.append(Content.assemble(("GPU queue ", "$quiet"), who))
    if holder is not None:
        rows.append(Content.styled(f"          for {age(holder.since, clock.now())}", "$quiet"))
    return Content("\n").join(rows)


def _gauge(name: str, free: int, total: int, width: int) -> Content:
    """`memory  ━━━━━━  3.1 GB free`; the bar is what is used."""
    share = 1 - free / total if total else 0.0
    shade = "$state-failed" if share > 0.95 else "$state-waiting" if share > 0.85 else "$primary"
    tail = f" {size(free)} free"
    return Content.assemble((f"{name:<7}", "$quiet"), bar(share, max(4, width - 7 - len(tail)), shade), tail)
