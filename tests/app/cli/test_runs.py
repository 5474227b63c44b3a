"""`temper runs`: lists and pages of runs in every state; attaching to and stopping real workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import msgspec
import pytest

from store import clock, runs
from store.locks import FileLock
from store.records.evals import CaseResult, CheckResult, VariantScore
from store.records.events import Artifact, Event, Failure, Finished, Notice, Step
from store.records.runs import JobKind, RunSpec, State
from store.runs import RunFolder
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.app.cli.stage import command, environment, lay_training
from tests.workers import lay_run, pid_of, play, wait_until

FAILURE = Failure("The disk is full", "0 MB are free.", "Free some space.", 1)


def lay(workspace: Workspace, state: State) -> RunFolder:
    """A run in a state that needs no living worker."""
    ends: dict[State, list[Event]] = {
        "finished": [Finished(status="finished")],
        "failed": [Finished(status="failed", error=FAILURE)],
        "cancelled": [Finished(status="cancelled")],
        "died": [Step(step=2, total=9, loss=1.0)],
    }
    folder = lay_run(workspace, f"scripted-{state}", ends[state], command="temper again")
    folder.log.write_text("the last words\n", encoding="utf-8")
    return folder


def test_the_list_shows_every_run_with_its_state_newest_first(temper: Temper, workspace: Workspace) -> None:
    states: list[State] = ["finished", "failed", "cancelled", "died"]
    for state in states:
        lay(workspace, state)
    listed = temper("runs", "list", "--json").json()
    assert {run["run_id"]: run["state"] for run in listed} == {f"scripted-{one}": one for one in states}
    assert [run["created"] for run in listed] == sorted((run["created"] for run in listed), reverse=True)


def test_the_list_is_cut_and_says_so(temper: Temper, workspace: Workspace) -> None:
    for number in range(3):
        lay_run(workspace, f"scripted-{number}", [])
    ended = temper("runs", "list", "-n", "2")
    assert len(ended.out.splitlines()) == 3
    assert "1 older" in ended.err
    assert len(temper("runs", "list", "-n", "2", "--all").out.splitlines()) == 4


def test_an_empty_list_says_how_to_begin(temper: Temper, workspace: Workspace) -> None:
    ended = temper("runs", "list")
    assert ended.out == ""
    assert "temper train" in ended.err


def test_a_run_that_starts_waits_as_far_as_programs_know(temper: Temper, workspace: Workspace) -> None:
    spec = RunSpec("scripted-new", "scripted", clock.stamp(), str(workspace.root))
    runs.create(workspace.paths.runs, spec)
    assert temper("runs", "show", "--json").json()["state"] == "waiting"


def test_a_runs_page_has_the_stable_fields(temper: Temper, workspace: Workspace) -> None:
    folder = lay_training(workspace)
    page = temper("runs", "show", folder.run_id[:12], "--json").json()
    assert page["run_id"] == folder.run_id
    assert (page["kind"], page["state"], page["error"]) == ("train", "finished", None)
    assert page["started"] <= page["ended"]
    assert page["artifacts"][0]["path"] == "artifacts/adapter"


def test_a_failed_runs_page_says_why_what_to_do_and_ends_with_its_log(
    temper: Temper, workspace: Workspace
) -> None:
    lay(workspace, "failed")
    out = temper("runs", "show").out
    for part in (FAILURE.title, FAILURE.happened, FAILURE.remedy, "the last words"):
        assert part in out


def test_a_dead_runs_page_ends_with_its_log_and_the_command_to_run_again(
    temper: Temper, workspace: Workspace
) -> None:
    lay(workspace, "died")
    out = temper("runs", "show").out
    assert "the last words" in out
    assert "Run it again: temper again" in out


@pytest.mark.parametrize("reference", ["last", "scripted-nix", ""])
def test_a_run_that_is_not_there_is_a_usage_error(
    temper: Temper, workspace: Workspace, reference: str
) -> None:
    assert temper("runs", "show", reference).code == 2


def test_a_prefix_that_fits_two_runs_names_both(temper: Temper, workspace: Workspace) -> None:
    lay(workspace, "failed")
    lay(workspace, "finished")
    ended = temper("runs", "show", "scripted-f")
    assert ended.code == 2
    assert "scripted-failed" in ended.err
    assert "scripted-finished" in ended.err


def test_attaching_to_a_running_run_shows_it_to_its_end(temper: Temper, workspace: Workspace) -> None:
    events = [{"kind": "step", "step": n, "total": 3, "loss": 1.0} for n in (1, 2, 3)]
    folder = play(workspace, events)
    ended = temper("runs", "attach", folder.run_id)
    assert ended.code == 0
    assert "train 3/3" in ended.err


@pytest.mark.parametrize(
    ("state", "code", "said"),
    [
        ("finished", 0, ""),
        ("failed", 1, "Free some space."),
        ("cancelled", 130, "kept"),
        ("died", 1, "last words"),
    ],
)
def test_attaching_to_a_run_that_has_ended_prints_its_end(
    temper: Temper, workspace: Workspace, state: State, code: int, said: str
) -> None:
    folder = lay(workspace, state)
    ended = temper("runs", "attach", folder.run_id)
    assert ended.code == code
    assert said in ended.err


@pytest.mark.parametrize(
    "ends", [[Finished(status="failed", error=FAILURE)], [Finished(status="cancelled")], []]
)
def test_a_training_run_that_stopped_short_says_how_it_goes_on(
    temper: Temper, workspace: Workspace, ends: list[Event]
) -> None:
    folder = lay_run(workspace, "train-x", [Step(step=2, total=9, loss=1.0), *ends], "train", "temper again")
    assert "temper runs resume train-x" in temper("runs", "show").out
    # the error of a failed run has a remedy of its own
    told = runs.view(folder).state == "failed" or "temper runs resume train-x" in temper("runs", "attach").err
    assert told


@pytest.mark.parametrize(
    ("job", "ends", "said"),
    [
        ("train", [Finished(status="finished")], "all of it is done"),
        ("export", [], "Only training runs and evaluations can be resumed"),
    ],
)
def test_a_run_that_has_nothing_to_go_on_with_is_refused(
    temper: Temper, workspace: Workspace, job: JobKind, ends: list[Event], said: str
) -> None:
    folder = lay_run(workspace, "a-run", ends, job, "temper again")
    before = folder.events.read_bytes()
    ended = temper("runs", "resume")
    assert ended.code == 2
    assert said in ended.err
    assert folder.events.read_bytes() == before


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("temper eval s --variant v", "To ask again: temper eval s --variant v --fresh"),
        ("temper eval s --variant v --fresh", "To ask again: temper eval s --variant v --fresh\n"),
        ("temper eval rescore r --suite s", "To judge again: temper eval rescore r --suite s\n"),
    ],
)
def test_a_finished_evaluation_is_told_with_the_command_that_does_it_once_more(
    temper: Temper, workspace: Workspace, command: str, said: str
) -> None:
    lay_run(workspace, "a-run", [Finished(status="finished")], "evaluate", command)
    assert said in temper("runs", "resume").err + "\n"


def test_the_end_of_an_evaluation_says_why_answers_could_not_be_judged(
    temper: Temper, workspace: Workspace
) -> None:
    score = VariantScore("base", 0, 0.0, 0.0, errors=2)
    result = {"suite": "s", "variants": [msgspec.to_builtins(score)], "baselines": {}}
    folder = lay_run(workspace, "a-run", [Finished(status="finished", result=result)], "evaluate")
    for case, error in (("a", "did not end"), ("b", "did not end"), ("c", "")):
        checks = [CheckResult("regex", False, 0.0, error=error)]
        line = CaseResult("s", "base", case, "?", "x", False, 0.0, checks)
        with folder.results.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
    told = temper("runs", "attach", "a-run").err
    assert "base: 2 could not be judged and count nowhere:\n  2 x regex: did not end\n" in told


def test_a_run_that_lives_is_not_resumed(temper: Temper, workspace: Workspace) -> None:
    folder = lay_run(workspace, "train-x", [], "train")
    with FileLock(folder.lock) as lock:
        assert lock.acquire()
        ended = temper("runs", "resume", "train-x")
    assert ended.code == 4
    assert "temper runs attach train-x" in ended.err


@pytest.mark.slow
@pytest.mark.training
def test_a_run_is_resumed_to_its_end(temper: Temper, workspace: Workspace) -> None:
    long = ("--set", "max_steps=100000", "--set", "checkpoint_every=1")
    started = temper("train", "support", *long, "--no-watch")
    folder = runs.find(workspace.paths.runs, started.out.strip())
    wait_until(lambda: runs.view(folder).step >= 2)
    os.kill(pid_of(folder), signal.SIGKILL)
    wait_until(lambda: runs.view(folder).state == "died")
    behind = runs.view(folder).step
    assert temper("runs", "resume", "--no-watch").out.strip() == folder.run_id
    wait_until(lambda: runs.view(folder).step > behind)
    assert temper("runs", "stop").code == 0
    assert runs.view(folder).state == "cancelled"


def test_attaching_to_a_finished_training_run_prints_its_figures(
    temper: Temper, workspace: Workspace
) -> None:
    lay_training(workspace)
    assert "1.2500" in temper("runs", "attach").out


def test_a_failed_run_ends_with_the_exit_code_of_its_error(temper: Temper, workspace: Workspace) -> None:
    failure = Failure("The model is not there", "Gone.", "Bring it back.", 3)
    lay_run(workspace, "scripted-x", [Finished(status="failed", error=failure)])
    assert temper("runs", "attach").code == 3


def test_stopping_waits_until_the_run_has_stopped_and_says_what_is_kept(
    temper: Temper, workspace: Workspace
) -> None:
    kept = {"kind": "artifact", "name": "adapter", "path": "artifacts/adapter", "type": "adapter"}
    folder = play(workspace, [kept], hold=True)
    wait_until(lambda: bool(runs.view(folder).artifacts))
    ended = temper("runs", "stop", folder.run_id)
    assert ended.code == 0
    assert runs.view(folder).state == "cancelled"
    assert f".temper/runs/{folder.run_id}/artifacts/adapter" in ended.out


def test_stopping_without_waiting_leaves_the_request(temper: Temper, workspace: Workspace) -> None:
    folder = lay_run(workspace, "scripted-alive", [])
    alive = FileLock(folder.lock)
    assert alive.acquire()
    ended = temper("runs", "stop", "--no-wait")
    alive.release()
    assert ended.code == 0
    assert folder.control.exists()


def test_stopping_a_run_that_has_ended_changes_nothing(temper: Temper, workspace: Workspace) -> None:
    folder = lay(workspace, "finished")
    ended = temper("runs", "stop")
    assert ended.code == 0
    assert "finished" in ended.err
    assert not folder.control.exists()


def test_ctrl_c_on_an_attached_run_stops_the_watching_and_never_the_run(workspace: Workspace) -> None:
    folder = play(workspace, [{"kind": "notice", "title": "it begins"}], hold=True)
    # as from a terminal: Ctrl-C reaches every process of the foreground group
    attached = subprocess.Popen(
        command("runs", "attach"),
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
    )
    assert attached.stderr is not None
    while "it begins" not in attached.stderr.readline():
        assert attached.poll() is None
    os.killpg(attached.pid, signal.SIGINT)
    _, err = attached.communicate(timeout=60)
    assert attached.returncode == 130
    assert f"temper runs attach {folder.run_id}" in err
    assert f"temper runs stop {folder.run_id}" in err
    assert "Traceback" not in err
    assert runs.view(folder).state == "running"
    os.kill(pid_of(folder), signal.SIGTERM)
    wait_until(lambda: runs.view(folder).state == "cancelled")


def test_a_run_goes_on_when_the_command_that_started_it_is_killed(workspace: Workspace) -> None:
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom store.workspace import Workspace\n"
        "from tests.workers import play\n"
        "print(play(Workspace(Path('.')), hold=True).run_id, flush=True)\n"
        "os.killpg(0, signal.SIGHUP)\n"
    )
    words = command()
    words[words.index("-c") + 1] = code
    done = subprocess.run(
        words,
        stdout=subprocess.PIPE,
        text=True,
        env=environment() | {"PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGHUP
    assert runs.view(RunFolder(workspace.paths.runs / done.stdout.strip())).state == "running"


def test_artifacts_and_notices_of_a_run_are_told_while_it_is_watched(
    temper: Temper, workspace: Workspace
) -> None:
    made = Artifact(name="report", path="artifacts/report.json", type="report", bytes=1200)
    warned = Notice(title="2 rows cut", text="lines 3, 4", level="warn")
    lay_run(workspace, "scripted-x", [warned, made, Finished(status="finished")])
    ended = temper("runs", "attach")
    assert "2 rows cut: lines 3, 4" in ended.err
    assert "artifacts/report.json" in ended.out
