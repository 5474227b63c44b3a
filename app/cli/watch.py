"""Follows a run from the command line: bars with an estimate on a terminal, plain lines elsewhere.

Watching is all it does: Ctrl-C ends the watching, never the run.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from app.cli.output import print_json, say
from app.words import age, rate, size, span
from store import clock
from store.errors import ExitCode, TemperError
from store.leases import DeviceLease
from store.records.events import AnyEvent, Failure, Measured, Notice, Progress, Queued, Resumed, Step
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
    view = watch_to_end(folder, quiet)
    raise_unless_finished(view)
    return view


def watch_to_end(folder: RunFolder, quiet: bool = False) -> RunView:
    """`watch`, whatever the end is: only Ctrl-C raises."""
    display = Display(quiet)
    try:
        return follow(RunTracker(folder), display)
    except KeyboardInterrupt:
        display.close()
        say(f"Stopped watching; the run goes on.\n  watch again:  temper runs attach {folder.run_id}")
        say(f"  stop it:      temper runs stop {folder.run_id}")
        raise click.exceptions.Exit(ExitCode.INTERRUPTED) from None
    finally:
        display.close()


def follow(tracker: RunTracker, display: Display) -> RunView:
    """Show every batch of events until the run has ended."""
    while True:
        view = tracker.refresh()
        for event in tracker.fresh:
            if view.state == "waiting" or not isinstance(event, Queued):  # an old queue is no news
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
        if view.way_on:
            say(f"Go on where it was: {view.way_on}")
        raise click.exceptions.Exit(ExitCode.INTERRUPTED)
    if view.state == "failed" and view.error is not None:
        raise error_of(view.error)
    raise TemperError(
        f"{view.run_id} died",
        f"{last_words(view.run_id)} The end of its log:\n{view.log_tail or '(empty)'}",
        f"Finished files are intact. All there is: temper runs show {view.run_id}"
        + (f"\nGo on where it was: {view.way_on}" if view.way_on else ""),
    )


def last_words(run_id: str) -> str:
    """What is known of a worker that ended without saying so."""
    from engine.jobs.launch import killed_by

    name = killed_by(run_id)
    if name == "SIGKILL":
        return "Its worker was killed (SIGKILL): by hand, or by the system where memory is short."
    return f"Its worker was ended by {name}." if name else "Its worker ended without a word."


def error_of(failure: Failure) -> TemperError:
    """A run's recorded failure as the error it was, exit code included."""
    error = TemperError(failure.title, failure.happened, failure.remedy)
    error.exit_code = ExitCode(failure.exit_code)
    return error


def print_started(folder: RunFolder, as_json: bool) -> None:
    """What `--no-watch` prints."""
    if as_json:
        print_json({"run_id": folder.run_id})
        return
    click.echo(folder.run_id)
    say(f"Watch it with: temper runs attach {folder.run_id}")


def say_queue(folder: RunFolder) -> None:
    """Say who has the device, when it is not this run."""
    from engine.jobs.queue import device_name

    device = device_name()
    holder = DeviceLease(device).holder()
    if holder is not None and holder.what != folder.run_id:
        say(queue_line(device, holder.what, holder.since))


def queue_line(device: str, holder: str, since: str) -> str:
    """Who has the device, since when and for how long."""
    moment = clock.parse(since)
    who = holder or "another program"
    when = f"since {moment.astimezone():%H:%M:%S} ({age(since, clock.now())})"
    around = "" if device == "cpu" else " With --cpu it does without."
    return f"In the GPU queue: {who} has {device} {when}; this run begins when it is free.{around}"


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
                speed = f"{rate(event.tokens_per_second)} tok/s  " if event.tokens_per_second else ""
                self._advance(
                    "train",
                    event.step,
                    event.total,
                    f"loss {event.loss:.3f}  {speed}{_eta(event.eta_seconds)}",
                )
            case Queued():
                self._say(queue_line(event.device, event.holder, event.since))
            case Resumed() if event.path:
                self._say(f"Goes on behind step {event.step}.")
            case Measured():
                self._say(
                    f"A step takes {event.seconds_per_step:.2f} s and {size(event.peak_bytes)} of memory, "
                    f"all of them {span(event.eta_seconds)}; a checkpoint {size(event.checkpoint_bytes)}."
                )
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
        if sys.stderr.isatty():
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
    return "" if seconds is None else f"{span(seconds)} left"
