"""The parts of a run's page as text: head with bar and time, figures, phases, problem, events."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from app.tui import theme
from app.tui.board import History
from app.tui.messages import EventLine, RunNow
from app.tui.words import bar, cut, rate, size, span
from store import clock
from store.records.events import Progress
from store.records.runs import RunView

SHORT = {"reward_margin": "margin", "reward_accuracy": "accuracy"}
"""What a preference run says of its rewards, in the figures; the rest is in the chart."""
NARROWEST = 11  # cells of a figure
NOTES = 3
HEALTH = ("It overfits", "Training and held-out loss part")
_LEVELS = {"info": "$quiet", "warn": "$warning", "good": "$success", "bad": "$error"}


def head(run: RunNow, width: int) -> Content:
    """Title; state, id and running time; a bar with what is left."""
    view = run.view
    shade = theme.colour(view.state)
    lines = [
        Content.assemble((cut(view.title or view.run_id, width), "bold")),
        Content.assemble((f"{theme.mark(view.state)} {view.state}", shade), (_time(run), "$quiet")),
    ]
    if width >= 60:
        lines[1] += Content.styled(f"   {view.run_id}", "$faint")
    lines.append(_bar(run, width))
    return Content("\n").join(lines)


def _time(run: RunNow) -> str:
    view = run.view
    if view.state == "waiting" and run.queued is not None:
        return f"   in the GPU queue behind {run.queued.holder or 'another program'}"
    if view.started is None:
        return ""
    end = clock.parse(view.ended) if view.ended else clock.now()
    return f"   {span((end - clock.parse(view.started)).total_seconds())}"


def _bar(run: RunNow, width: int) -> Content:
    """`━━━━━━────  120/300  1:12 left`; the phase's where there are no steps."""
    done, total, eta = run.view.step, run.view.total, run.step.eta_seconds if run.step else None
    if run.step is None and run.measured is not None:
        eta = run.measured.eta_seconds
    if not total and run.progress is not None:
        done, total, eta = run.progress.done, run.progress.total, run.progress.eta_seconds
    if not total:
        return bar(1.0 if run.view.state == "finished" else 0.0, width, theme.colour(run.view.state))
    left = f"   {span(eta)} left" if eta is not None and run.view.state == "running" else ""
    tail = f"  {done}/{total}{left}"
    return bar(done / total, max(4, width - len(tail)), theme.colour(run.view.state)) + Content.assemble(tail)


def figures(run: RunNow, width: int) -> Content:
    """Labels above values, in columns of one width; the least telling ones go where there is no room."""
    step = run.step
    if step is None:
        return Content("")
    cells = [("loss", f"{step.loss:.4f}")]
    if run.evaluated is not None:
        cells.append(("held out", f"{run.evaluated.loss:.4f}"))
    cells += [
        (SHORT.get(name, name.replace("_", " ")), f"{value:.3f}")
        for name, value in step.metrics.items()
        if name in SHORT
    ]
    peak = step.memory_bytes or (run.measured.peak_bytes if run.measured is not None else 0)
    cells += [
        ("tokens/s", rate(step.tokens_per_second) if step.tokens_per_second else "-"),
        ("memory", size(peak) if peak else "-"),
        (
            "learning rate" if width >= 56 else "rate",
            f"{step.learning_rate:.1e}" if step.learning_rate else "-",
        ),
    ]
    if step.grad_norm is not None and width >= 60:
        cells.append(("gradient norm", f"{step.grad_norm:.3f}"))
    cells = cells[: max(4, width // NARROWEST)]
    column = min(18, width // len(cells))
    above = "".join(name[: column - 1].ljust(column) for name, _ in cells)
    below = "".join(value[: column - 1].ljust(column) for _, value in cells)
    return Content.assemble((above.rstrip(), "$quiet"), "\n", (below.rstrip(), "bold"))


def chart_title(history: History, measure: str, width: int) -> Content:
    """What the curves are; which key shows another one."""
    name = measure.replace("_", " ")
    parts = [Content.assemble(("── ", "$state-running"), (name, "$quiet"))]
    if history.held_out(measure)[1]:
        best = next((one for one in reversed(history.evaluations.values()) if one.best), None)
        lowest = f", lowest {best.loss:.4f} at step {best.step}" if best and measure == "loss" else ""
        lowest = lowest if len(name) + len(lowest) + 40 <= width else ""
        parts.append(Content.assemble(("●─ ", "$warning"), (f"held out{lowest}", "$quiet")))
    if history.resumes:
        at = ", ".join(map(str, history.resumes[-3:]))
        parts.append(Content.assemble(("│ ", "$faint"), (f"resumed at step {at}", "$quiet")))
    if len(history.measures) > 1:
        parts.append(Content.assemble(("m ", "$accent"), ("another curve", "$quiet")))
    kept: list[Content] = []
    for part in parts:
        if sum(one.cell_length + 3 for one in kept) + part.cell_length <= width:
            kept.append(part)
    return Content("   ").join(kept)


def is_telling(title: str) -> bool:
    """Whether a notice says something of the run's health or of the memory that it gave up."""
    return title.startswith(("Memory is full.", "No step for")) or title in HEALTH


def notes(history: History, width: int) -> Content:
    """What one should not have to look for among the events: what was measured, given up, found."""
    lines = []
    if (one := history.measured) is not None:
        said = (
            f"{one.seconds_per_step:.2f} s a step, {size(one.peak_bytes)} at its peak: measured, no estimate"
        )
        lines.append(Content.assemble(("◆ ", "$primary"), (cut(said, width - 2), "$quiet")))
    telling = [
        line for line in history.lines if line.level == "warn" and is_telling(line.text.partition(": ")[0])
    ]
    lines += [Content.assemble(("▲ ", "$warning"), cut(line.text, width - 2)) for line in telling[-NOTES:]]
    return Content("\n").join(lines)


def phases(shown: Iterable[Progress], width: int) -> Content:
    """A bar per phase, in the order they came."""
    lines, listed = [], list(shown)
    column = min(width // 2, max((len(phase.phase) for phase in listed), default=0) + 3)
    for phase in listed:
        tail = f"  {phase.done}/{phase.total}" if phase.total else f"  {phase.done}" if phase.done else ""
        share = phase.done / phase.total if phase.total else 0.0
        shade = "$state-finished" if share >= 1 else "$state-running"
        room = max(4, width - column - len(tail))
        lines.append(
            Content.assemble(
                (cut(phase.phase, column - 1).ljust(column), "$quiet"), bar(share, room, shade), tail
            )
        )
    return Content("\n").join(lines)


def problem(view: RunView) -> Content | None:
    """Why a run failed or died, and what to do; how one that was stopped goes on."""
    way_on = f"\nGo on where it was: {view.way_on}" if view.way_on else ""
    if view.state == "failed" and view.error is not None:
        error = view.error
        return Content.assemble(
            (error.title, "bold $error"), f"\n{error.happened}\n", (error.remedy + way_on, "$warning")
        )
    if view.state == "died":
        tail = "\n".join(view.log_tail.splitlines()[-3:])
        return Content.assemble(
            ("Its worker ended without a word", "bold $error"),
            f"\n{tail}\n" if tail else "\nIts log is empty.\n",
            ("Killed, out of memory, or the machine went down. Finished files are intact.", "$warning"),
            (way_on, "$warning"),
        )
    if way_on:
        return Content.styled(way_on.strip(), "$warning")
    return None


def event_lines(lines: Iterable[EventLine]) -> Content:
    """Time of day and text, one line each."""
    rows = [
        Content.assemble((_clock(line.time) + "  ", "$faint"), (line.text, _LEVELS.get(line.level, "$quiet")))
        for line in lines
    ]
    return Content("\n").join(rows) if rows else Content.styled("Nothing yet.", "$quiet")


def _clock(moment: str) -> str:
    return clock.parse(moment).astimezone().strftime("%H:%M:%S") if moment else "        "
