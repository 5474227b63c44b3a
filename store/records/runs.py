"""A run: what was asked (spec.json) and what can be said of it now (a view derived from its folder)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from store.records.events import Artifact, Failure

JobKind = Literal[
    "train",
    "sweep",
    "export",
    "evaluate",
    "ingest",
    "convert",
    "check",
    "advise",
    "forgetting",
    "scripted",
    "kb_check",
    "kb_questions",
]
State = Literal["starting", "waiting", "running", "finished", "failed", "cancelled", "died"]

ENDED: frozenset[State] = frozenset({"finished", "failed", "cancelled", "died"})


class RunSpec(msgspec.Struct):
    """What was asked. Written atomically before the worker starts and never changed.

    `params` is the job's own typed struct as a dict; `engine.jobs.kinds` knows which.
    `workspace` is an absolute path. `command` is a line that would ask for the same again.
    """

    run_id: str
    job: JobKind
    created: str
    workspace: str
    params: dict[str, Any] = {}
    title: str = ""
    command: str = ""


class RunView(msgspec.Struct):
    """A run as lists and screens show it, derived from its folder at one moment. Times are ISO 8601 UTC."""

    run_id: str
    kind: JobKind
    state: State
    title: str = ""
    created: str = ""
    started: str | None = None
    ended: str | None = None
    last_event: str | None = None
    error: Failure | None = None
    log_tail: str = ""
    step: int = 0
    total: int = 0
    artifacts: list[Artifact] = []
    result: dict[str, Any] = {}

    @property
    def resumable(self) -> bool:
        """Whether `temper runs resume` takes the run up where it was: one that did not finish, of a kind that
        keeps its work as it goes.
        """
        return self.kind in ("train", "evaluate") and self.state in ("failed", "cancelled", "died")

    @property
    def way_on(self) -> str:
        """The command that takes the run up where it was; empty where its error tells it, or at no step."""
        told = self.error is not None and (not self.step or "runs resume" in self.error.remedy)
        return f"temper runs resume {self.run_id}" if self.resumable and not told else ""
