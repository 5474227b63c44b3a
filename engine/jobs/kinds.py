"""Which function does which job. The functions live in modules that are imported only by a worker."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from engine.jobs.context import JobContext
from store.records.runs import JobKind

Job = Callable[[JobContext], dict[str, Any]]

# kind -> module whose `run(context)` does the work, and whether the work needs the device
_KINDS: dict[JobKind, tuple[str, bool]] = {
    "train": ("engine.jobs.train", True),
    "sweep": ("engine.jobs.sweep", False),
    "export": ("engine.jobs.export", True),
    "evaluate": ("engine.jobs.evaluate", True),
    "ingest": ("engine.jobs.ingest", False),
    "convert": ("engine.jobs.convert", False),
    "check": ("engine.jobs.check", False),
    "advise": ("engine.jobs.advise", True),
    "forgetting": ("engine.jobs.forgetting", True),
    "kb_check": ("engine.jobs.kb_check", False),
    "kb_questions": ("engine.jobs.kb_questions", False),
    "scripted": ("engine.jobs.scripted", False),
}


def needs_device(kind: JobKind) -> bool:
    """Whether a job of this kind queues for the GPU."""
    return _KINDS[kind][1]


def load(kind: JobKind) -> Job:
    """The function of a job, imported now: call it only once the device is ours."""
    job: Job = importlib.import_module(_KINDS[kind][0]).run
    return job
