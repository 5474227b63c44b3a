"""What happens during a run, one struct per kind of event: the lines of `events.jsonl`.

A line is one JSON object with `seq`, `time` and `kind`. Old lines must stay readable for ever: add
fields with defaults, never rename or remove one. Which state a run is in is derived from these
elsewhere (store.runs); nothing here knows about files.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Status = Literal["finished", "failed", "cancelled"]


class Event(msgspec.Struct, tag_field="kind", omit_defaults=True, kw_only=True):
    """Common to all events. `seq` counts from 1 in a run; `time` is UTC, ISO 8601 with milliseconds."""

    seq: int = 0
    time: str = ""


class Started(Event, tag="started"):
    """The worker lives and has its lock. Nothing heavy is imported yet."""

    run_id: str
    job: str = ""
    pid: int = 0


class Queued(Event, tag="queued"):
    """The GPU queue is not empty: who holds the device, since when."""

    device: str
    holder: str = ""
    since: str = ""


class Lease(Event, tag="lease"):
    """The device is ours from here on; before this event the run is waiting."""

    device: str
    waited_seconds: float = 0.0


class Progress(Event, tag="progress"):
    """How far a phase is. `total` 0 means unknown; `eta_seconds` counts for this phase only."""

    phase: str
    done: int = 0
    total: int = 0
    eta_seconds: float | None = None


class Step(Event, tag="step"):
    """One optimiser step. Rates are per second of wall time; memory is the device's peak in bytes."""

    step: int
    loss: float
    total: int = 0
    learning_rate: float = 0.0
    grad_norm: float | None = None
    tokens_per_second: float = 0.0
    memory_bytes: int = 0
    eta_seconds: float | None = None
    metrics: dict[str, float] = {}


class Evaluated(Event, tag="evaluated"):
    """The loss on held-out rows behind `step`; `best`: the lowest so far. `metrics` as in a Step.

    Step 0 is the model as the run begins, never the best. `general_loss` is that on the general set, in nats
    per token.
    """

    step: int
    loss: float
    best: bool = False
    metrics: dict[str, float] = {}
    general_loss: float | None = None


class Probed(Event, tag="probed"):
    """The loss on the general set behind `step` where no evaluation tells it: before the first step, behind
    the last. `seconds` is what measuring it took.
    """

    step: int
    general_loss: float
    seconds: float = 0.0


class Notice(Event, tag="notice"):
    """Something the user should read: a warning, a fall-back taken, a row reported."""

    title: str
    text: str = ""
    level: Literal["info", "warn"] = "info"


class Checkpoint(Event, tag="checkpoint"):
    """A state from which the run can go on, complete on disk. `path` is relative to the run folder."""

    step: int
    path: str


class Resumed(Event, tag="resumed"):
    """The run goes on behind `step`, from the checkpoint `path`, or from the start where that is empty.

    Steps behind it that were told of before are done again: what is said of them from here on holds.
    """

    step: int
    path: str = ""


class Measured(Event, tag="measured"):
    """What one real step on the longest batch took: it replaces the estimate. Bytes, seconds.

    `peak_bytes` on the device (of the process on the CPU); `eta_seconds` for all steps that are left;
    `checkpoint_bytes` for each checkpoint; `export_bytes` while the result is exported.
    """

    peak_bytes: int
    seconds_per_step: float
    eta_seconds: float
    checkpoint_bytes: int
    export_bytes: int
    tokens: int = 0


class Artifact(Event, tag="artifact"):
    """A finished file or directory. `path` is relative to the run folder unless absolute."""

    name: str
    path: str
    type: str
    bytes: int = 0
    sha256: str = ""


class Failure(msgspec.Struct, omit_defaults=True):
    """Why a run failed, in the same three parts as store.errors.TemperError, with its exit code."""

    title: str
    happened: str
    remedy: str
    exit_code: int = 1


class Finished(Event, tag="finished"):
    """Always the last event. `result` is the job's own summary (metrics, paths, verdicts)."""

    status: Status
    error: Failure | None = None
    result: dict[str, Any] = {}


AnyEvent = (
    Started
    | Queued
    | Lease
    | Progress
    | Step
    | Evaluated
    | Probed
    | Notice
    | Checkpoint
    | Resumed
    | Measured
    | Artifact
    | Finished
)
