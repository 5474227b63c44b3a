"""Run folders: events in and out, the state that follows from them, finding a run by what people type."""

from __future__ import annotations

import errno
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from store import clock, runs
from store.errors import BusyError, TemperError, UsageError
from store.locks import FileLock
from store.records.events import Artifact, Event, Failure, Finished, Lease, Notice, Resumed, Started, Step
from store.records.runs import JobKind, RunSpec, State
from store.runs import EventReader, EventWriter, RunFolder, RunTracker


def make(root: Path, run_id: str = "train-1", job: JobKind = "train", age: float = 0.0) -> RunFolder:
    created = clock.stamp(clock.now() - timedelta(seconds=age))
    return runs.create(root, RunSpec(run_id, job, created, str(root)))


def write(folder: RunFolder, *events: Event) -> None:
    writer = EventWriter(folder)
    for event in events:
        writer.emit(event)
    writer.close()


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return make(tmp_path)


def started() -> Started:
    return Started(run_id="train-1", pid=1)


def test_events_come_back_numbered_and_stamped(folder: RunFolder) -> None:
    write(folder, started(), Step(step=1, loss=2.0))
    write(folder, Notice(title="again"))
    events = runs.read_events(folder.events)
    assert [event.seq for event in events] == [1, 2, 3]
    assert all(clock.parse(event.time) for event in events)


def test_a_reader_takes_each_line_once_and_only_whole_ones(folder: RunFolder) -> None:
    write(folder, started())
    reader = EventReader(folder.events)
    assert len(reader.read()) == 1
    with folder.events.open("ab") as file:
        file.write(b'{"kind":"step","step":1,')
        file.flush()
        assert reader.read() == []
        file.write(b'"loss":2.0}\n')
    assert [event.step for event in reader.read() if isinstance(event, Step)] == [1]
    assert reader.read() == []


def test_a_reader_does_not_stop_at_lines_that_it_cannot_read(folder: RunFolder) -> None:
    with folder.events.open("ab") as file:
        file.write(b'{"kind": "from the future"}\n' * 50)
    write(folder, Step(step=1, loss=2.0))
    reader = EventReader(folder.events)
    assert len(reader.read(most_bytes=64)) == 1


def test_a_line_longer_than_a_batch_is_read(folder: RunFolder) -> None:
    write(folder, Notice(title="long", text="x" * 1000), Notice(title="short"))
    reader = EventReader(folder.events)
    titles = [event.title for _ in range(3) for event in reader.read(64) if isinstance(event, Notice)]
    assert titles == ["long", "short"]


def test_a_writer_cuts_what_a_kill_left_before_it_goes_on(folder: RunFolder) -> None:
    write(folder, started())
    with folder.events.open("ab") as file:
        file.write(b'{"kind":"step","st')
    write(folder, Step(step=1, loss=2.0))
    assert [event.seq for event in runs.read_events(folder.events)] == [1, 2]


def test_a_writer_goes_on_behind_what_another_process_wrote_in_its_place(folder: RunFolder) -> None:
    mine = EventWriter(folder)
    mine.emit(started())
    write(folder, Step(step=1, loss=2.0), Step(step=2, loss=1.0))
    with folder.events.open("ab") as file:  # the other one was killed in the middle of a line
        file.write(b'{"kind":"step","st')
    mine.catch_up()
    mine.emit(Finished(status="failed"))
    mine.close()
    assert [event.seq for event in runs.read_events(folder.events)] == [1, 2, 3, 4]
    assert runs.view(folder).state == "failed"


def test_a_full_disk_is_told_as_such(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = EventWriter(folder)
    writer.close()

    class Full:
        def write(self, data: bytes) -> None:
            raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(writer, "_file", Full())
    with pytest.raises(TemperError, match="disk is full"):
        writer.emit(started())


@pytest.mark.parametrize(
    ("events", "locked", "age", "state"),
    [
        ([], False, 0.0, "starting"),
        ([], True, 0.0, "waiting"),
        ([], False, 31.0, "died"),
        ([started()], True, 0.0, "waiting"),
        ([started(), Lease(device="cpu")], True, 0.0, "running"),
        ([started(), Lease(device="cpu")], False, 0.0, "died"),
        ([started(), Finished(status="finished")], True, 0.0, "finished"),
        ([started(), Finished(status="failed", error=Failure("a", "b", "c"))], False, 0.0, "failed"),
        ([started(), Finished(status="cancelled")], False, 0.0, "cancelled"),
    ],
)
def test_the_state_follows_from_events_and_lock(
    tmp_path: Path, events: list[Event], locked: bool, age: float, state: State
) -> None:
    folder = make(tmp_path, age=age)
    write(folder, *events)
    lock = FileLock(folder.lock)
    if locked:
        assert lock.acquire()
    assert runs.view(folder).state == state
    lock.release()


def test_a_run_that_died_shows_the_end_of_its_log(folder: RunFolder) -> None:
    folder.log.write_text("".join(f"line {n}\n" for n in range(100)))
    write(folder, started())
    view = runs.view(folder)
    assert view.log_tail.splitlines()[-1] == "line 99"
    assert len(view.log_tail.splitlines()) == 20
    assert view.ended == view.last_event


def test_a_view_has_step_artifacts_result_and_error(folder: RunFolder) -> None:
    failure = Failure("a", "b", "c", 3)
    write(
        folder,
        started(),
        Step(step=3, total=9, loss=1.0),
        Artifact(name="adapter", path="artifacts/a", type="adapter"),
        Finished(status="failed", error=failure, result={"loss": 1.0}),
    )
    view = runs.view(folder)
    assert (view.step, view.total, view.error, view.result) == (3, 9, failure, {"loss": 1.0})
    assert [artifact.name for artifact in view.artifacts] == ["adapter"]


def test_a_tracker_takes_in_what_is_new_and_keeps_it(folder: RunFolder) -> None:
    write(folder, started(), Step(step=1, loss=2.0))
    tracker = RunTracker(folder)
    assert (tracker.refresh().step, len(tracker.fresh)) == (1, 2)
    write(folder, Step(step=2, loss=1.0))
    assert (tracker.refresh().step, len(tracker.fresh)) == (2, 1)
    tracker.refresh()
    assert tracker.fresh == []


def test_a_tracker_goes_on_behind_what_was_read_already(folder: RunFolder) -> None:
    write(folder, started(), Step(step=1, loss=2.0))
    reader = EventReader(folder.events)
    seen = reader.read()
    write(folder, Step(step=2, loss=1.0))
    tracker = RunTracker(folder, seen, reader.offset)
    assert tracker.view.step == 1
    assert (tracker.refresh().step, len(tracker.fresh)) == (2, 1)


def test_a_run_that_is_resumed_after_it_died_is_running(folder: RunFolder) -> None:
    folder.log.write_text("killed\n")
    write(folder, started(), Lease(device="cpu"))
    tracker = RunTracker(folder)
    assert tracker.refresh().state == "died"
    lock = FileLock(folder.lock)
    lock.acquire()
    view = tracker.refresh()
    assert (view.state, view.ended, view.log_tail) == ("running", None, "")
    lock.release()


def test_a_run_that_is_resumed_after_it_ended_is_as_its_last_worker_leaves_it(folder: RunFolder) -> None:
    failure = Failure("The disk is full", "0 MB are free.", "Free some space.")
    write(
        folder,
        started(),
        Lease(device="cpu"),
        Step(step=4, loss=1.0),
        Finished(status="failed", error=failure),
    )
    tracker = RunTracker(folder)
    assert tracker.refresh().state == "failed"
    lock = FileLock(folder.lock)
    lock.acquire()
    write(folder, started(), Resumed(step=2, path="artifacts/checkpoints/checkpoint-2"))
    view = tracker.refresh()
    assert (view.state, view.error, view.ended, view.step) == ("waiting", None, None, 2)
    write(folder, Lease(device="cpu"), Step(step=3, loss=0.5), Finished(status="finished", result={"a": 1}))
    lock.release()
    assert (tracker.refresh().state, view.step, view.result) == ("finished", 3, {"a": 1})
    assert runs.view(folder) == view


def test_steps_that_are_done_again_count_once_with_their_last_word(folder: RunFolder) -> None:
    steps = [Step(step=step, loss=loss) for step, loss in ((1, 9.0), (2, 8.0), (3, 7.0), (2, 0.8), (3, 0.7))]
    write(folder, started(), *steps)
    found = runs.curve(runs.read_events(folder.events))
    assert [(step.step, step.loss) for step in found] == [(1, 9.0), (2, 0.8), (3, 0.7)]


def test_a_run_is_not_reopened_while_its_worker_lives(folder: RunFolder) -> None:
    with FileLock(folder.lock) as lock:
        assert lock.acquire()
        with pytest.raises(BusyError):
            runs.reopen(folder)
    folder.request_stop()
    runs.reopen(folder)
    assert not folder.control.exists()


def test_threads_of_a_worker_write_whole_lines_with_numbers_of_their_own(folder: RunFolder) -> None:
    writer = EventWriter(folder)

    def emit(thread: int) -> None:
        for _ in range(50):
            writer.emit(Notice(title=str(thread)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(emit, range(4)))
    writer.close()
    assert [event.seq for event in runs.read_events(folder.events)] == list(range(1, 201))


@pytest.mark.parametrize(
    ("kind", "events", "way_on"),
    [
        ("train", [Step(step=2, loss=1.0)], True),
        ("train", [Step(step=2, loss=1.0), Finished(status="cancelled")], True),
        ("train", [Step(step=2, loss=1.0), Finished(status="finished")], False),
        ("train", [Finished(status="failed", error=Failure("No such dataset", "", ""))], False),
        ("evaluate", [Step(step=2, loss=1.0)], True),
        ("export", [Step(step=2, loss=1.0)], False),
    ],
)
def test_a_run_that_stopped_short_and_keeps_its_work_says_how_it_goes_on(
    tmp_path: Path, kind: JobKind, events: list[Event], way_on: bool
) -> None:
    made = runs.create(tmp_path, RunSpec("r-1", kind, clock.stamp(), str(tmp_path)))
    write(made, started(), *events)
    assert runs.view(made).way_on == ("temper runs resume r-1" if way_on else "")


def test_a_request_to_stop_is_a_file(folder: RunFolder) -> None:
    folder.request_stop()
    assert folder.control.read_text() == "stop\n"


@pytest.fixture
def several(tmp_path: Path) -> Path:
    for age, (run_id, job) in enumerate(
        [
            ("train-20260131-aaaa", "train"),
            ("train-20260131-abbb", "train"),
            ("evaluate-20260130-cccc", "evaluate"),
        ]
    ):
        make(tmp_path, run_id, job, age)  # type: ignore[arg-type]  # literals in a list are plain text
    return tmp_path


@pytest.mark.parametrize(
    ("reference", "job", "found"),
    [
        ("train-20260131-abbb", None, "train-20260131-abbb"),
        ("train-20260131-ab", None, "train-20260131-abbb"),
        ("e", None, "evaluate-20260130-cccc"),
        ("last", None, "train-20260131-aaaa"),
        ("last", "evaluate", "evaluate-20260130-cccc"),
    ],
)
def test_a_run_is_found_by_id_prefix_and_last(
    several: Path, reference: str, job: str | None, found: str
) -> None:
    assert runs.find(several, reference, job).run_id == found


def test_an_id_that_another_begins_with_is_not_ambiguous(several: Path) -> None:
    make(several, "train-20260131-aaaa-2")
    assert runs.find(several, "train-20260131-aaaa").run_id == "train-20260131-aaaa"


def test_a_prefix_of_several_runs_names_them(several: Path) -> None:
    with pytest.raises(UsageError, match="More than one run fits") as refused:
        runs.find(several, "train")
    assert "train-20260131-aaaa, train-20260131-abbb" in refused.value.happened


@pytest.mark.parametrize(("reference", "job"), [("nothing", None), ("last", "export"), ("train", "evaluate")])
def test_a_run_that_is_not_there_is_told(several: Path, reference: str, job: str | None) -> None:
    with pytest.raises(UsageError, match="No such run"):
        runs.find(several, reference, job)


def test_folders_without_a_readable_spec_are_no_runs(several: Path) -> None:
    (several / "empty").mkdir()
    (several / "broken").mkdir()
    (several / "broken" / "spec.json").write_text("{")
    (several / "a file").touch()
    (several / ".being-made").mkdir()
    assert len(runs.list_folders(several)) == 3
    with pytest.raises(UsageError, match="No such run"):
        runs.view(RunFolder(several / "broken"))


def test_a_workspace_without_runs_lists_none(tmp_path: Path) -> None:
    assert runs.list_folders(tmp_path / "runs") == []
