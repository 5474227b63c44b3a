"""Follows a run from the command line: bars with an estimate on a terminal, plain lines elsewhere.

Watching is all it does: Ctrl-C ends the watching, never the run.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from app.cli.output import say
from store.errors import ExitCode, TemperError
from store.records.events import AnyEvent, Failure, Notice, Progress, Queued, Step
from store.records.runs import ENDED, RunView
from store.runs import RunFolder, RunTracker

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

POLL_SECONDS = 0.1


def watch(folder: RunFolder, quiet: bool = False) -> RunView:
    """Follow a run until it ends and return its last view.

    Raises TemperError when the run failed or died, and click's Exit with code 130 on Ctrl-C or when the
    run was cancelled.
    """
    tracker = RunTracker(folder)
    display = Display(quiet)
    try:
        view = follow(tracker, display)
    except KeyboardInterrupt:
        display.close()
        say(f"Stopped watching; the run goes on.\n  watch again:  temper runs attach {folder.run_id}")
        say(f"  stop it:      temper runs stop {folder.run_id}")
        raise click.exceptions.Exit(ExitCode.INTERRUPTED) from None
    display.close()
    raise_unless_finished(view)
    return view


def follow(tracker: RunTracker, display: Display) -> RunView:
    """Show every batch of events until the run has ended."""
    while True:
        view = tracker.refresh()
        for event in tracker.fresh:
            display.show(event)
        if view.state in ENDED:
            return view
        time.sleep(POLL_SECONDS)


def raise_unless_finished(view: RunView) -> None:
    """Turn the end of a run into the command's own."""
    if view.state == "finished":
        return
    if view.state == "cancelled":
        say(f"{view.run_id} was stopped; what it had saved is kept.")
        raise click.exceptions.Exit(ExitCode.INTERRUPTED)
    if view.state == "failed" and view.error is not None:
        raise error_of(view.error)
    raise TemperError(
        f"{view.run_id} died",
        f"Its worker ended without a word. The end of its log:\n{view.log_tail or '(empty)'}",
        f"Finished files are intact. All there is: temper runs show {view.run_id}",
    )


def error_of(failure: Failure) -> TemperError:
    """A run's recorded failure as the error it was, exit code included."""
    error = TemperError(failure.title, failure.happened, failure.remedy)
    error.exit_code = ExitCode(failure.exit_code)
    return error


class Display:
    """Turns events into bars (a terminal) or lines (a pipe); silent when quiet."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}
        self._lined: dict[str, float] = {}

    def show(self, event: AnyEvent) -> None:
        """Show one event."""
        if self._quiet:
            return
        match event:
            case Progress():
                self._advance(event.phase, event.done, event.total, _eta(event.eta_seconds))
            case Step():
                rate = f"{event.tokens_per_second:,.0f} tok/s  " if event.tokens_per_second else ""
                self._advance(
                    "train",
                    event.step,
                    event.total,
                    f"loss {event.loss:.3f}  {rate}{_eta(event.eta_seconds)}",
                )
            case Queued():
                self._say(f"In the GPU queue: {event.device} is held by {event.holder} since {event.since}")
            case Notice():
                self._say(f"{event.title}{': ' + event.text if event.text else ''}")
            case _:
                pass

    def close(self) -> None:
        """Take the bars down."""
        if self._bars is not None:
            self._bars.stop()

    def _say(self, text: str) -> None:
        if self._bars is not None:
            self._bars.console.print(text, highlight=False, markup=False)
        else:
            say(text)

    def _advance(self, phase: str, done: int, total: int, text: str) -> None:
        if click.get_text_stream("stderr").isatty():
            self._bar(phase, done, total, text)
        elif done == total or time.monotonic() - self._lined.get(phase, 0.0) > 5.0:
            self._lined[phase] = time.monotonic()
            say(f"{phase} {done}/{total or '?'}  {text}".rstrip())

    def _bar(self, phase: str, done: int, total: int, text: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bars

        if self._bars is None:
            self._bars = Bars(
                TextColumn("{task.description:<22}"),
                BarColumn(bar_width=28),
                MofNCompleteColumn(),
                TextColumn("{task.fields[text]}"),
                console=Console(stderr=True),
            )
            self._bars.start()
        if phase not in self._tasks:
            self._tasks[phase] = self._bars.add_task(phase, total=total or None, text=text)
        self._bars.update(self._tasks[phase], completed=done, total=total or None, text=text)


def _eta(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} left"
