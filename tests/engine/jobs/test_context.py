"""What a job may use: progress that does not flood, artifacts with size and place, the stop request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.jobs.context import JobContext, Stopped, failure_of
from store import clock, runs
from store.errors import BusyError
from store.records.events import Artifact, Notice, Progress
from store.records.runs import RunSpec
from store.workspace import Workspace
from tests.workers import events_of


@pytest.fixture
def context(workspace: Workspace) -> Iterator[JobContext]:
    spec = RunSpec("scripted-1", "scripted", clock.stamp(), str(workspace.root))
    folder = runs.create(workspace.paths.runs, spec)
    writer = runs.EventWriter(folder)
    yield JobContext(folder, spec, writer)
    writer.close()


def test_a_fast_phase_writes_its_beginning_and_its_end_only(context: JobContext) -> None:
    meter = context.progress("cases", 1000)
    for done in range(1, 1001):
        meter.advance(done)
    told = [event.done for event in events_of(context.folder, Progress) if isinstance(event, Progress)]
    assert (told[0], told[-1]) == (0, 1000)
    assert len(told) < 20


def test_the_time_left_follows_from_the_mean_so_far(
    context: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("engine.jobs.context.time.monotonic", lambda: now)
    meter = context.progress("cases", 4)
    now = 110.0
    meter.advance(1)
    last = events_of(context.folder, Progress)[-1]
    assert isinstance(last, Progress)
    assert last.eta_seconds == pytest.approx(30.0)


def test_a_stop_request_is_met_at_the_next_part(context: JobContext) -> None:
    meter = context.progress("cases", 4)
    context.folder.request_stop()
    with pytest.raises(Stopped):
        meter.advance(1)


def test_an_artifact_has_its_size_and_its_place_in_the_run_folder(context: JobContext) -> None:
    made = context.folder.artifacts / "adapter"
    (made / "inner").mkdir(parents=True)
    (made / "inner" / "weights").write_bytes(b"12345")
    context.artifact("adapter", made, "adapter")
    (artifact,) = events_of(context.folder, Artifact)
    assert isinstance(artifact, Artifact)
    assert artifact.path == "artifacts/adapter"
    assert artifact.bytes >= 5


def test_an_artifact_elsewhere_has_its_whole_path(context: JobContext, tmp_path: Path) -> None:
    made = tmp_path / "model.gguf"
    made.write_bytes(b"GGUF")
    context.artifact("gguf", made, "gguf")
    (artifact,) = events_of(context.folder, Artifact)
    assert isinstance(artifact, Artifact)
    assert (artifact.path, artifact.bytes) == (str(made), 4)


def test_a_warning_says_that_it_is_one(context: JobContext) -> None:
    context.notice("2 rows cut", warn=True)
    (notice,) = events_of(context.folder, Notice)
    assert isinstance(notice, Notice)
    assert notice.level == "warn"


def test_an_error_with_parts_keeps_them_and_any_other_gets_some() -> None:
    busy = BusyError("Held", "By another.", "Wait.")
    assert failure_of(busy) is busy
    assert "KeyError: 'x'" in failure_of(KeyError("x")).happened
