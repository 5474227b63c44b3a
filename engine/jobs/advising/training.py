"""What training takes on this machine: the run as it was, or what a probe's steps foretell of a whole one."""

from __future__ import annotations

import msgspec

from engine.jobs.advising.probe import whole_steps
from engine.jobs.advising.ways import is_probe
from engine.jobs.side_by_side import recipe_of
from engine.models.variants import describe
from store import clock
from store import runs as folders
from store.errors import UsageError
from store.records.advice import Training
from store.records.events import Lease, Measured, Started, Step
from store.runs import RunFolder
from store.workspace import Workspace


def training_run(workspace: Workspace, adapter: str) -> RunFolder | None:
    """The run that trained an adapter, by a variant's name or its own; None where it is not here."""
    try:
        run_id = describe(workspace, adapter).run_id
        return folders.find(workspace.paths.runs, run_id, "train") if run_id else None
    except UsageError:
        return None


def training_of(workspace: Workspace, run: RunFolder, dataset: str, variant: str) -> Training | None:
    """What a run's training takes, that of the whole run where it is a probe; None where it did not end."""
    view = folders.view(run)
    if not view.started or not view.ended:
        return None
    timing = timing_of(run)
    took = seconds_between(view.started, view.ended) - timing.waited
    steps = recipe_of(run).max_steps
    whole = whole_steps(workspace, dataset, variant) if is_probe(run) else steps
    if whole <= steps:
        return Training(took, "measured", run.run_id, steps, steps)
    left = (whole - steps) * timing.per_step
    note = "from the preflight" if timing.foretold else "from the probe's steps"
    return Training(took + left, note, run.run_id, steps, whole)


class Timing(msgspec.Struct):
    """Seconds of a run's steps, and those that it queued; whether the preflight says so."""

    per_step: float = 0.0
    waited: float = 0.0
    foretold: bool = False


def timing_of(run: RunFolder) -> Timing:
    """How long a step takes: what the preflight's one real step took, else the mean of those made."""
    found = Timing()
    steps: list[tuple[int, str]] = []
    for event in folders.read_events(run.events):
        match event:
            case Started():
                steps.clear()  # a run that was taken up stood still in between
            case Lease():
                found.waited += event.waited_seconds
            case Step():
                steps.append((event.step, event.time))
            case Measured():
                found.per_step, found.foretold = event.seconds_per_step, True
    if not found.foretold and len(steps) > 1:
        (first, begin), (last, end) = steps[0], steps[-1]
        found.per_step = seconds_between(begin, end) / max(1, last - first)
    return found


def seconds_between(begin: str, end: str) -> float:
    """Seconds from one stamp to another."""
    return (clock.parse(end) - clock.parse(begin)).total_seconds()
