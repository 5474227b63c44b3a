"""What answering took by the clock and by the GPU's counter, kept beside the run that answered.

Answers that are taken over later take their figures with them: these are found by the suite and by the hash
of what answered.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import msgspec

from engine.jobs.energy import Joules
from store import atomic, runs
from store.records.advice import Taken
from store.runs import RunFolder
from store.workspace import Workspace

FILE = "artifacts/taken.json"
Takings = dict[str, Taken]


class Account:
    """The takings of one run by hash, on disk as they come, and what earlier runs took."""

    def __init__(self, workspace: Workspace, folder: RunFolder, joules: Joules | None) -> None:
        self._workspace, self._folder, self._joules = workspace, folder, joules
        self._own: Takings = {}

    @contextmanager
    def answering(self, by: str, count: int) -> Iterator[None]:
        """Measure what the block takes for `count` answers; a block that is left early counts for nothing."""
        begin, before = time.monotonic(), self._joules() if self._joules else None
        yield
        after = self._joules() if self._joules else None
        drawn = None if before is None or after is None else after - before
        self._own[by] = Taken(count, time.monotonic() - begin, drawn)
        atomic.write_bytes(self._folder.path / FILE, msgspec.json.encode(self._own))

    def of(self, by: str) -> Taken | None:
        """What the answers of `by` took, here or in the newest run that asked for them; None if unknown."""
        if by not in self._own:
            for folder in runs.list_folders(self._workspace.paths.runs, "advise"):
                if found := read(folder).get(by):
                    return found
        return self._own.get(by)


def read(folder: RunFolder) -> Takings:
    """What a run's answers took; empty where it asked for none."""
    with suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode((folder.path / FILE).read_bytes(), type=Takings)
    return {}
