"""The feed: what a poll tells, what it reads again and what it does not."""

from __future__ import annotations

import os
import shutil
import signal
import time

import pytest

from app.tui import feed as feed_module
from app.tui.feed import RunFeed
from app.tui.messages import RunsPolled
from engine.jobs import launch
from engine.jobs.scripted import ScriptedParams
from store.records.events import Checkpoint, Finished, Notice, Progress, Queued, Resumed, Started
from store.runs import announce
from store.workspace import Workspace
from tests.app.tui.stage import PATIENCE, Clock, add_events, alive, lay_run, steps


def poll(feed: RunFeed) -> RunsPolled:
    """A poll that is expected to have news."""
    batch = feed.poll()
    assert batch is not None
    return batch


def test_a_workspace_without_runs_has_one_empty_poll_and_then_no_news(workspace: Workspace) -> None:
    feed = RunFeed(workspace.paths.runs)
    assert poll(feed).order == []
    assert feed.poll() is None


def test_runs_come_newest_first(workspace: Workspace, clock: Clock) -> None:
    for run_id in ("train-a", "train-b", "train-c"):
        lay_run(workspace, run_id, "train", run_id, [Finished(status="finished")])
        clock.move(60)
    assert poll(RunFeed(workspace.paths.runs)).order == ["train-c", "train-b", "train-a"]


def test_a_poll_tells_only_what_is_new(workspace: Workspace) -> None:
    folder = lay_run(workspace, "train-a", "train", "a", steps(3, 10))
    with alive(folder):
        feed = RunFeed(workspace.paths.runs)
        assert [run.view.step for run in poll(feed).changed] == [3]
        assert feed.poll() is None
        add_events(folder, steps(1, 10))
        assert [run.view.run_id for run in poll(feed).changed] == ["train-a"]


def test_a_run_that_has_ended_is_not_read_again(workspace: Workspace) -> None:
    folder = lay_run(workspace, "train-a", "train", "a", [Finished(status="finished")])
    feed = RunFeed(workspace.paths.runs)
    poll(feed)
    add_events(folder, steps(1, 10))
    assert feed.poll() is None


def test_a_run_that_is_resumed_is_read_again(workspace: Workspace) -> None:
    folder = lay_run(workspace, "train-a", "train", "a", [*steps(2, 10), Finished(status="cancelled")])
    feed = RunFeed(workspace.paths.runs)
    assert [run.view.state for run in poll(feed).changed] == ["cancelled"]
    with alive(folder):
        add_events(folder, [Started(run_id="train-a", pid=2), Resumed(step=2)])
        announce(folder)
        assert [run.view.state for run in poll(feed).changed] == ["waiting"]
    add_events(folder, [Finished(status="finished")])
    assert [run.view.state for run in poll(feed).changed] == ["finished"]


def test_a_new_run_is_noticed(workspace: Workspace) -> None:
    lay_run(workspace, "train-a", "train", "a", [Finished(status="finished")])
    feed = RunFeed(workspace.paths.runs)
    poll(feed)
    lay_run(workspace, "train-b", "train", "b", [Finished(status="failed")])
    batch = poll(feed)
    assert [run.view.state for run in batch.changed] == ["failed"]
    assert set(batch.order) == {"train-a", "train-b"}


def test_a_deleted_run_leaves_the_order(workspace: Workspace) -> None:
    folder = lay_run(workspace, "train-a", "train", "a", [Finished(status="finished")])
    feed = RunFeed(workspace.paths.runs)
    poll(feed)
    shutil.rmtree(folder.path)
    assert poll(feed).order == []


def test_the_last_word_of_each_kind_is_kept(workspace: Workspace) -> None:
    events = [Queued(device="cpu", holder="train-b"), Progress(phase="load", done=1, total=2), *steps(2, 4)]
    folder = lay_run(workspace, "train-a", "train", "a", events)
    with alive(folder):
        run = poll(RunFeed(workspace.paths.runs)).changed[0]
    assert run.step is not None
    assert run.step.step == 2
    assert run.progress is not None
    assert run.progress.phase == "load"
    assert run.queued is not None
    assert run.queued.holder == "train-b"


def test_a_long_list_arrives_in_parts(
    workspace: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        lay_run(workspace, f"train-{number}", "train", "", [Finished(status="finished")])
        clock.move(1)
    ticks = iter(range(1000))
    monkeypatch.setattr("app.tui.feed.time.monotonic", lambda: next(ticks))
    monkeypatch.setattr(feed_module, "LOOK_SECONDS", 2)
    feed = RunFeed(workspace.paths.runs)
    first, second = poll(feed), poll(feed)
    assert [run.view.run_id for run in first.changed] == ["train-4", "train-3"]
    assert not first.complete
    assert [run.view.run_id for run in second.changed] == ["train-2", "train-1"]
    assert poll(feed).complete


def test_the_watched_run_comes_whole_and_then_in_parts(workspace: Workspace) -> None:
    folder = lay_run(workspace, "train-a", "train", "a", steps(5, 10))
    with alive(folder):
        feed = RunFeed(workspace.paths.runs)
        poll(feed)
        feed.watch("train-a")
        whole = poll(feed).watched
        add_events(folder, [*steps(1, 10), Checkpoint(step=5, path="artifacts/checkpoint-5")])
        part = poll(feed).watched
    assert whole is not None
    assert whole.fresh
    assert whole.steps == [1, 2, 3, 4, 5]
    assert part is not None
    assert not part.fresh
    assert part.steps == [1]
    assert [line.text for line in part.lines] == ["checkpoint at step 5: artifacts/checkpoint-5"]


def test_a_torn_last_line_waits_until_it_is_whole(workspace: Workspace) -> None:
    folder = lay_run(workspace, "train-a", "train", "a", steps(1, 10))
    with alive(folder):
        feed = RunFeed(workspace.paths.runs)
        feed.watch("train-a")
        poll(feed)
        with folder.events.open("ab") as file:
            file.write(b'{"kind": "step", "step": 2, ')
        assert feed.poll() is None
        with folder.events.open("ab") as file:
            file.write(b'"loss": 1.5}\n')
        watched = poll(feed).watched
    assert watched is not None
    assert watched.losses == [1.5]


def test_the_log_comes_in_whole_lines_as_a_terminal_would_show_them(workspace: Workspace) -> None:
    folder = lay_run(workspace, "train-a", "train", "a", [])
    with alive(folder):
        folder.log.write_bytes(b"loading\n 10%\r 50%\r100%\nhalf a li")
        feed = RunFeed(workspace.paths.runs)
        feed.watch("train-a")
        first = poll(feed).watched
        with folder.log.open("ab") as file:
            file.write(b"ne\n")
        second = poll(feed).watched
    assert first is not None
    assert first.log == ["loading", "100%"]
    assert second is not None
    assert second.log == ["half a line"]


def test_of_a_long_log_only_the_end_is_read(workspace: Workspace) -> None:
    folder = lay_run(workspace, "train-a", "train", "a", [Finished(status="finished")])
    folder.log.write_text("".join(f"line {number:06d}\n" for number in range(50_000)), encoding="utf-8")
    feed = RunFeed(workspace.paths.runs)
    feed.watch("train-a")
    watched = poll(feed).watched
    assert watched is not None
    assert watched.log[-1] == "line 049999"
    assert len(watched.log) < 6000


def test_notices_keep_their_level(workspace: Workspace) -> None:
    events = [
        Notice(title="3 rows were cut", text="lines 1, 2 and 3", level="warn"),
        Finished(status="cancelled"),
    ]
    lay_run(workspace, "train-a", "train", "a", events)
    feed = RunFeed(workspace.paths.runs)
    feed.watch("train-a")
    watched = poll(feed).watched
    assert watched is not None
    assert [(line.text, line.level) for line in watched.lines[1:]] == [
        ("3 rows were cut: lines 1, 2 and 3", "warn"),
        ("cancelled", "warn"),
    ]


def test_a_killed_worker_reads_as_died(workspace: Workspace) -> None:
    folder = launch.start(workspace, "scripted", ScriptedParams(hold=True), "to be killed")
    feed = RunFeed(workspace.paths.runs)
    feed.watch(folder.run_id)
    watched = poll(feed).watched
    assert watched is not None
    pid = int(watched.lines[0].text.rpartition(" ")[2])
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    state = ""
    while state != "died":
        assert time.monotonic() < deadline
        batch = feed.poll()
        state = batch.changed[0].view.state if batch is not None and batch.changed else state
        time.sleep(0.01)
