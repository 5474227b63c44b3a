"""kill -9 at every phase: what each file looks like then, how the run reads, what the user does next.

The rows of docs/decisions/0003-crash-table.md, in its order. Those about exports, knowledge bases and the
ledger stand with their modules; the table names them.
"""

from __future__ import annotations

import os
import tomllib
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from engine.data.ensure import ensure_dataset
from engine.jobs import launch
from engine.jobs.evaluate import EvaluateParams
from engine.jobs.queue import device_name
from engine.models import adapters
from store import clock, datasets, runs
from store.errors import MissingError
from store.leases import DeviceLease
from store.locks import is_locked
from store.records.evals import CaseResult
from store.records.events import Finished, Lease, Queued, Started, Step
from store.records.runs import RunSpec, RunView
from store.runs import EventReader, EventWriter, RunFolder
from store.workspace import Workspace
from tests.dying import die_at
from tests.ggufs import tiny_f32
from tests.workers import await_work, events_of, kill, lay_run, play, snapshot, wait_until


def opening(workspace: Workspace) -> str:
    """The first lines of a process that works in the workspace."""
    return (
        "from pathlib import Path\nfrom store.workspace import Workspace\n"
        f"workspace = Workspace(Path({str(workspace.root)!r}))\n"
    )


def moved(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let time pass."""
    later = clock.now() + timedelta(seconds=seconds)
    monkeypatch.setattr(clock, "now", lambda: later)


def dead(folder: RunFolder) -> RunView:
    """The view of a run that must have died, and whose files are all readable."""
    view = runs.view(folder)
    assert view.state == "died"
    assert not is_locked(folder.lock)
    assert folder.spec().run_id == folder.run_id
    assert events_of(folder, Finished) == []
    return view


def test_a_launcher_killed_while_it_writes_the_spec_leaves_no_run(workspace: Workspace) -> None:
    code = opening(workspace) + (
        "from store import runs\nfrom store.records.runs import RunSpec\n"
        "runs.create(workspace.paths.runs, RunSpec('scripted-1', 'scripted', '', ''))\n"
    )
    die_at("os.replace", code, call=2)  # the first puts spec.json in place, the second the folder
    assert list(workspace.paths.runs.iterdir()) != []
    assert runs.list_folders(workspace.paths.runs) == []


def test_a_launcher_killed_before_the_worker_starts_leaves_a_run_that_dies_after_a_while(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = opening(workspace) + (
        "from engine.jobs import launch\nfrom engine.jobs.scripted import ScriptedParams\n"
        "launch.start(workspace, 'scripted', ScriptedParams(), 'never begun', 'temper again')\n"
    )
    die_at("engine.jobs.launch.spawn", code)
    (folder,) = runs.list_folders(workspace.paths.runs)
    assert sorted(path.name for path in folder.path.iterdir()) == ["artifacts", "spec.json"]
    assert runs.view(folder).state == "starting"
    moved(monkeypatch, runs.LAUNCH_SECONDS + 1)
    assert dead(folder).started is None
    assert folder.spec().command == "temper again"


def test_a_worker_killed_once_it_has_started_leaves_its_first_event(workspace: Workspace) -> None:
    folder = play(workspace, hold=True)
    kill(folder)
    view = dead(folder)
    assert isinstance(runs.read_events(folder.events)[0], Started)
    assert view.ended == view.last_event


def test_a_worker_killed_in_the_queue_leaves_the_queue_as_it_was(workspace: Workspace) -> None:
    holder, device = DeviceLease(device_name()), device_name()
    assert holder.acquire(os.getpid(), "somebody-else")
    folder = launch.start(workspace, "evaluate", EvaluateParams("none"), "waits")
    wait_until(lambda: events_of(folder, Queued))
    kill(folder)
    dead(folder)
    assert events_of(folder, Lease) == []
    seen = DeviceLease(device).holder()
    assert seen is not None
    assert seen.what == "somebody-else"
    holder.release()


def test_a_line_cut_off_in_the_middle_is_not_read_and_is_gone_once_somebody_writes(
    workspace: Workspace,
) -> None:
    folder = lay_run(workspace, "scripted-1", [Step(step=1, total=9, loss=2.0)])
    whole = folder.events.read_bytes()
    with folder.events.open("ab") as file:
        file.write(b'{"seq":4,"time":"2026-01-31T10:00:00.000Z","kind":"finished","sta')
    assert dead(folder).step == 1
    reader = EventReader(folder.events)
    assert len(reader.read()) == 3
    assert reader.offset == len(whole)
    EventWriter(folder).close()
    assert folder.events.read_bytes() == whole


def test_an_adapter_killed_while_it_is_saved_is_none(workspace: Workspace) -> None:
    folder = lay_run(workspace, "train-1", [Step(step=3, total=3, loss=1.0)], "train")
    out = adapters.adapter_folder(folder.path)
    code = (
        "from pathlib import Path\nfrom store import atomic\n"
        f"with atomic.new_directory(Path({str(out)!r})) as new:\n"
        "    (new / 'adapter_config.json').write_text('{}')\n"
        "    (new / 'adapter_model.safetensors').write_bytes(b'half of it')\n"
    )
    die_at("os.replace", code)
    assert not out.exists()
    with pytest.raises(MissingError, match="no adapter"):
        adapters.find_adapter(workspace, "train-1")


def test_an_adapter_killed_before_its_passport_is_written_is_none(workspace: Workspace) -> None:
    folder = lay_run(workspace, "train-1", [Step(step=3, total=3, loss=1.0)], "train")
    out = adapters.adapter_folder(folder.path)
    out.mkdir()
    (out / adapters.WEIGHTS).write_bytes(b"all of it")
    with pytest.raises(MissingError, match="no adapter"):
        adapters.find_adapter(workspace, "train-1")


def test_keeping_an_adapter_killed_in_the_middle_keeps_none_and_can_be_done_again(
    workspace: Workspace,
) -> None:
    folder = lay_run(workspace, "train-1", [], "train")
    out = adapters.adapter_folder(folder.path)
    out.mkdir()
    (out / adapters.PASSPORT).write_text("{}", encoding="utf-8")
    code = (
        opening(workspace)
        + "from engine.models import adapters\nadapters.keep(workspace, 'train-1', 'good')\n"
    )
    die_at("os.replace", code)
    assert adapters.list_kept(workspace) == []
    assert adapters.keep(workspace, "train-1", "good").is_dir()


def test_an_evaluation_killed_among_its_cases_keeps_every_result_so_far(
    workspace: Workspace, tmp_path: Path
) -> None:
    cases = "\n".join(f"  - {{id: c{n}, input: 'say {n}', expected: x}}" for n in range(400))
    suite = workspace.root / "evals" / "long.yaml"
    suite.write_text(f"name: long\ncases:\n{cases}\nchecks:\n  - kind: exact\n", encoding="utf-8")
    params = EvaluateParams("evals/long.yaml", [str(tiny_f32())])
    folder = launch.start(workspace, "evaluate", params, "to be killed")
    await_work(folder, lambda: folder.results.is_file() and folder.results.stat().st_size)
    half = snapshot(folder, tmp_path / "halted")
    kill(folder)
    dead(folder)
    for seen in (half, folder):
        *lines, rest = seen.results.read_bytes().split(b"\n")
        results = [msgspec.json.decode(line, type=CaseResult) for line in lines]
        assert len({one.case for one in results}) == len(results) > 0
        assert not rest.endswith(b"}")  # at most the beginning of a line
    assert DeviceLease(device_name()).holder() is None


def test_an_evaluation_that_was_killed_goes_on_with_the_cases_that_were_not_answered(
    workspace: Workspace,
) -> None:
    cases = "\n".join(f"  - {{id: c{n}, input: 'say {n}', expected: x}}" for n in range(60))
    suite = workspace.root / "evals" / "long.yaml"
    suite.write_text(f"name: long\ncases:\n{cases}\nchecks:\n  - kind: exact\n", encoding="utf-8")
    folder = launch.start(
        workspace, "evaluate", EvaluateParams("evals/long.yaml", [str(tiny_f32())]), "to be killed"
    )
    await_work(folder, lambda: folder.results.is_file() and folder.results.stat().st_size)
    kill(folder)
    kept = folder.results.read_bytes().rpartition(b"\n")[0]
    assert dead(folder).resumable
    launch.resume(folder)
    wait_until(lambda: runs.view(folder).state in ("finished", "failed"))
    assert runs.view(folder).state == "finished"
    assert folder.results.read_bytes().startswith(kept)
    results = [
        msgspec.json.decode(line, type=CaseResult) for line in folder.results.read_bytes().splitlines()
    ]
    assert sorted(one.case for one in results) == sorted(f"c{n}" for n in range(60))


def test_a_dataset_killed_while_it_is_imported_has_no_version_and_imports_again(workspace: Workspace) -> None:
    code = opening(workspace) + (
        "from engine.data.ensure import ensure_dataset\nensure_dataset(workspace, 'chats')\n"
    )
    die_at("store.atomic.sync_file", code)
    assert list((workspace.paths.datasets / "chats").iterdir()) != []
    assert datasets.names(workspace.paths) == []
    assert ensure_dataset(workspace, "chats").version == 1


def test_settings_killed_while_they_are_amended_are_the_old_ones(workspace: Workspace) -> None:
    before = workspace.paths.settings.read_bytes()
    code = opening(workspace) + "workspace.amend('models', 'other', {'path': 'builtin:tiny'})\n"
    die_at("os.replace", code)
    assert workspace.paths.settings.read_bytes() == before
    workspace.amend("models", "other", {"path": "builtin:tiny"})
    assert "other" in tomllib.loads(workspace.paths.settings.read_text(encoding="utf-8"))["models"]


def test_a_request_to_stop_killed_while_it_is_made_is_none(workspace: Workspace) -> None:
    spec = RunSpec("scripted-1", "scripted", clock.stamp(), str(workspace.root))
    folder = runs.create(workspace.paths.runs, spec)
    code = (
        "from pathlib import Path\nfrom store.runs import RunFolder\n"
        f"RunFolder(Path({str(folder.path)!r})).request_stop()\n"
    )
    die_at("os.replace", code)
    assert not folder.control.exists()
