"""Watches the runs of a workspace from a thread: reads what is new, says it in one batch per poll.

Run folders are the truth; only runs that have not ended are read again. Knows no widget and no screen.
"""

from __future__ import annotations

import time
from pathlib import Path

from app.tui.messages import EventLine, RunNow, RunsPolled, Watched
from app.tui.words import size, span
from store.errors import TemperError
from store.records.events import (
    AnyEvent,
    Artifact,
    Checkpoint,
    Evaluated,
    Finished,
    Lease,
    Measured,
    Notice,
    Probed,
    Progress,
    Queued,
    Resumed,
    Started,
    Step,
)
from store.records.runs import ENDED, RunView
from store.runs import EventReader, RunFolder, RunTracker, list_folders

POLL_SECONDS = 0.25
LOOK_SECONDS = 0.1  # a poll looks at runs for this long at most, so that a long list appears from its top
LOG_BYTES = 1 << 16  # of a log that is already long, only this much of its end is shown


class Watch:
    """Reads all of one run: its events from the first, its log from near the end."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._events = EventReader(folder.events)
        self._log_offset: int | None = None
        self._fresh = True

    def read(self) -> Watched:
        """What is new since the last call."""
        news = Watched(self.folder.run_id, fresh=self._fresh)
        self._fresh = False
        while events := self._events.read():
            for event in events:
                note(event, news)
        news.log = self._read_log()
        return news

    def _read_log(self) -> list[str]:
        try:
            with self.folder.log.open("rb") as file:
                if self._log_offset is None:
                    self._log_offset = max(0, file.seek(0, 2) - LOG_BYTES)
                file.seek(self._log_offset)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._log_offset += len(whole)
        # A carriage return rewrites a line on a terminal: what stood there last is what counts.
        return [line.rsplit("\r", 1)[-1] for line in whole.decode("utf-8", errors="replace").split("\n")[:-1]]


def note(event: AnyEvent, news: Watched) -> None:
    """Add one event to the news of a watched run."""
    match event:
        case Step():
            news.steps.append(event.step)
            news.losses.append(event.loss)
            news.metrics.append(event.metrics)
        case Progress():
            news.phases[event.phase] = event
        case _:
            if isinstance(event, Evaluated):
                news.evaluated.append(event)
                news.general += [] if event.general_loss is None else [(event.step, event.general_loss)]
            elif isinstance(event, Probed):
                news.general.append((event.step, event.general_loss))
            elif isinstance(event, Resumed):
                news.resumed.append(event.step)
                news.evaluated = [one for one in news.evaluated if one.step <= event.step]
                news.general = [one for one in news.general if one[0] <= event.step]
            elif isinstance(event, Measured):
                news.measured = event
            if line := event_line(event):
                news.lines.append(line)


def event_line(event: AnyEvent) -> EventLine | None:
    """An event as a sentence; None for those that are shown as figures."""
    match event:
        case Started():
            return EventLine(event.time, f"started, process {event.pid}")
        case Queued():
            return EventLine(
                event.time, f"in the GPU queue behind {event.holder or 'another program'}", "warn"
            )
        case Lease() if event.device != "none":
            return EventLine(event.time, f"has {event.device} after waiting {span(event.waited_seconds)}")
        case Notice():
            text = f"{event.title}: {event.text}" if event.text else event.title
            return EventLine(event.time, text, event.level)
        case Checkpoint():
            return EventLine(event.time, f"checkpoint at step {event.step}: {event.path}")
        case Resumed():
            where = f"goes on behind step {event.step}" if event.path else "begins again from the first step"
            return EventLine(event.time, where, "warn")
        case Measured():
            return EventLine(event.time, measured(event))
        case Evaluated():
            best = ", the lowest so far" if event.best else ""
            return EventLine(event.time, f"held-out loss {event.loss:.4f} behind step {event.step}{best}")
        case Probed():
            return EventLine(
                event.time, f"loss on the general set {event.general_loss:.4f} behind step {event.step}"
            )
        case Artifact():
            return EventLine(event.time, f"{event.name}: {event.path} ({size(event.bytes)})", "good")
        case Finished():
            level = {"finished": "good", "failed": "bad"}.get(event.status, "warn")
            reason = f": {event.error.title}" if event.error else ""
            return EventLine(event.time, event.status + reason, level)
        case _:
            return None


def measured(event: Measured) -> str:
    """What a step on the longest batch took."""
    return (
        f"measured: a step takes {event.seconds_per_step:.2f} s and {size(event.peak_bytes)}, all of "
        f"them {span(event.eta_seconds)}; a checkpoint takes {size(event.checkpoint_bytes)}, "
        f"an export {size(event.export_bytes)}"
    )


class RunFeed:
    """All runs of a workspace. `poll` belongs to one thread; `watch` may be called from another."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._seen_at = -1
        self._order: list[str] = []
        self._trackers: dict[str, RunTracker] = {}
        self._now: dict[str, RunNow] = {}
        self._ended: dict[str, int] = {}  # how far the events of ended runs were read
        self._due: list[str] = []
        self._wanted: str | None = None
        self._watch: Watch | None = None

    def watch(self, run_id: str | None) -> None:
        """From the next poll on, tell everything about this run."""
        self._wanted = run_id

    def poll(self) -> RunsPolled | None:
        """What is new, or None."""
        reordered = self._look_for_runs()
        changed = self._look_at_runs()
        watched = self._read_watched()
        if not (reordered or changed or watched):
            return None
        return RunsPolled(list(self._order), changed, watched, complete=not self._due)

    def _look_for_runs(self) -> bool:
        """Notice new and deleted run folders: the parent's time stamp changes when one comes or goes."""
        try:
            stamp = self._runs.stat().st_mtime_ns
        except FileNotFoundError:
            stamp = 0
        if stamp == self._seen_at:
            return False
        self._seen_at = stamp
        folders = {folder.run_id: folder for folder in list_folders(self._runs)}
        self._order = list(folders)
        for gone in self._now.keys() - folders.keys():
            self._now.pop(gone)
            self._ended.pop(gone, None)
            self._trackers.pop(gone, None)
        for run_id, folder in folders.items():
            if run_id not in self._trackers and (run_id not in self._now or self._resumed(folder)):
                try:
                    self._trackers[run_id] = RunTracker(folder)
                except TemperError:  # deleted since it was listed
                    continue
                self._due.append(run_id)
        return True

    def _resumed(self, folder: RunFolder) -> bool:
        """Whether a run that had ended has been taken up since: its events go on."""
        try:
            return folder.events.stat().st_size > self._ended.get(folder.run_id, 0)
        except FileNotFoundError:
            return False

    def _look_at_runs(self) -> list[RunNow]:
        """Refresh the runs that have not ended, as many as fit; the others come first next time."""
        deadline = time.monotonic() + LOOK_SECONDS
        waiting = [run_id for run_id in self._order if run_id in self._trackers and run_id not in self._due]
        queue, changed = self._due + waiting, []
        self._due = []
        for position, run_id in enumerate(queue):
            if time.monotonic() > deadline:
                self._due = [later for later in queue[position:] if later not in self._now]
                break
            tracker = self._trackers.get(run_id)
            if tracker is not None and (now := self._refresh(tracker)) is not None:
                changed.append(now)
        return changed

    def _refresh(self, tracker: RunTracker) -> RunNow | None:
        """The run as it is now; None when nothing has changed."""
        old = self._now.get(tracker.folder.run_id)
        view = tracker.refresh()
        if view.state in ENDED:
            del self._trackers[view.run_id]
            self._ended[view.run_id] = tracker.reader.offset
        if old is not None and not tracker.fresh and old.view.state == view.state:
            return None
        now = last_words(tracker.fresh, old, _copy(view))
        self._now[view.run_id] = now
        return now

    def _read_watched(self) -> Watched | None:
        wanted = self._wanted
        if wanted is None:
            self._watch = None
            return None
        if self._watch is None or self._watch.folder.run_id != wanted:
            self._watch = Watch(RunFolder(self._runs / wanted))
        return self._watch.read()


def last_words(events: list[AnyEvent], old: RunNow | None, view: RunView) -> RunNow:
    """The run with the last event of each kind that lists show, among `events` or else already known."""
    known = old or RunNow(view)
    now = RunNow(view, known.step, known.progress, known.queued, known.evaluated, known.measured)
    for event in events:
        match event:
            case Step():
                now.step = event
            case Progress():
                now.progress = event
            case Queued():
                now.queued = event
            case Evaluated():
                now.evaluated = event
            case Measured():
                now.measured = event
            case Resumed() if now.evaluated is not None and now.evaluated.step > event.step:
                now.evaluated = None  # it is made again
            case _:
                pass
    return now


def _copy(view: RunView) -> RunView:
    """A view that the tracker will not change under the reader's hands in the other thread."""
    fields = {name: getattr(view, name) for name in view.__struct_fields__}
    return RunView(**(fields | {"artifacts": list(view.artifacts)}))
