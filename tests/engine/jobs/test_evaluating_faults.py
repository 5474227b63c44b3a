"""An evaluation that is killed, stopped, or finds the disk full: answers are kept, and gone on from."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.evals import stored
from engine.evals.stored import Results
from engine.jobs import worker
from engine.jobs.evaluate import EvaluateParams
from store import clock, runs
from store.errors import TemperError
from store.records.evals import CaseResult, CheckResult
from store.records.events import Notice
from store.records.runs import RunSpec
from store.runs import RunFolder
from store.workspace import Workspace
from tests.engine.jobs.conftest import make_workspace
from tests.forks import dies, lives
from tests.ggufs import tiny_f32
from tests.workers import events_of, resume_here, run_here

CASES = 6
SUITE = "name: mine\nchecks: [{kind: exact}]\ncases:\n" + "".join(
    f"  - {{id: c{n}, input: 'question {n}', expected: x}}\n" for n in range(CASES)
)


@pytest.fixture
def shop(tmp_path: Path) -> Workspace:
    workspace = make_workspace(tmp_path / "shop")
    with workspace.paths.settings.open("a") as file:
        file.write(f'[models.f32]\npath = "{tiny_f32()}"\n')
        file.write('[variants.warm]\nmodel = "f32"\nsampling = {max_tokens = 4, temperature = 1.0}\n')
    (workspace.paths.evals / "mine.yaml").write_text(SUITE, encoding="utf-8")
    return Workspace(workspace.root)


def asked_for(workspace: Workspace, **more: Any) -> RunFolder:
    """A run that no worker has taken up yet."""
    params = msgspec.to_builtins(EvaluateParams("mine", ["warm"], **more))
    spec = RunSpec(clock.new_id("evaluate"), "evaluate", clock.stamp(), str(workspace.root), params)
    return runs.create(workspace.paths.runs, spec)


def lines_of(folder: RunFolder) -> list[bytes]:
    return folder.results.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("call", [1, 3, CASES])
def test_a_kill_loses_no_answer_that_was_there(shop: Workspace, call: int) -> None:
    folder = asked_for(shop)

    dies(lambda: worker.main(folder.path), "engine.evals.stored.Results.append", call)
    kept = lines_of(folder) if folder.results.exists() else []
    assert len(kept) == call - 1
    assert runs.view(folder).state == "died"
    resume_here(folder)

    assert lines_of(folder)[: call - 1] == kept
    assert sorted(one.case for one in stored.read(folder.results)) == [f"c{n}" for n in range(CASES)]
    assert runs.view(folder).state == "finished"


def test_what_was_killed_half_way_through_epochs_goes_on_with_its_own_seeds(shop: Workspace) -> None:
    whole = run_here(shop, "evaluate", EvaluateParams("mine", ["warm"], epochs=2, fresh=True), "mine")
    folder = asked_for(shop, epochs=2, fresh=True)

    dies(lambda: worker.main(folder.path), "engine.evals.stored.Results.append", CASES + 2)
    resume_here(folder)

    said = {(one.case, one.epoch): one.output for one in stored.read(folder.results)}
    assert said == {(one.case, one.epoch): one.output for one in stored.read(whole.results)}
    assert len(said) == 2 * CASES


def test_what_a_stopped_evaluation_has_answered_is_kept_and_named(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = Results.append

    def then_stopped(self: Results, result: CaseResult) -> None:
        append(self, result)
        for folder in runs.list_folders(shop.paths.runs, "evaluate"):
            folder.request_stop()

    monkeypatch.setattr(Results, "append", then_stopped)

    folder = run_here(shop, "evaluate", EvaluateParams("mine", ["warm"]), "mine")

    view = runs.view(folder)
    assert view.state == "cancelled"
    assert [one.name for one in view.artifacts] == ["results"]
    assert 0 < len(lines_of(folder)) < CASES


def result(output: str) -> CaseResult:
    return CaseResult("s", "v", "c", "?", output, True, 1.0, [CheckResult("exact", True, 1.0)])


def test_a_line_that_the_disk_did_not_take_whole_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"

    def fill_it() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
        with Results(path) as results:
            results.append(result("short"))
            with pytest.raises(TemperError, match="could not be written"):
                results.append(result("x" * 5_000))
            results.append(result("short"))

    lives(fill_it)

    assert [one.output for one in stored.read(path)] == ["short", "short"]
    assert path.read_bytes().endswith(b"}\n")


def test_how_a_run_ended_is_said_though_its_log_cannot_be_written(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("traceback.print_exc", full)
    params = EvaluateParams("gone", ["warm"])

    folder = run_here(shop, "evaluate", params, "gone")

    view = runs.view(folder)
    assert view.state == "failed"
    assert view.error is not None
    assert view.error.title == "No such suite"


def test_a_model_file_that_was_replaced_is_asked_anew(shop: Workspace, tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    model.write_bytes(tiny_f32().read_bytes())
    settings = shop.paths.settings.read_text().replace(str(tiny_f32()), str(model))
    shop.paths.settings.write_text(settings)
    first = run_here(Workspace(shop.root), "evaluate", EvaluateParams("mine", ["warm"]), "mine")
    again = run_here(Workspace(shop.root), "evaluate", EvaluateParams("mine", ["warm"]), "mine")
    os.utime(model, ns=(1, 1))
    data = bytearray(model.read_bytes())
    data[-1] ^= 1  # another file of the same size
    model.write_bytes(data)

    other = run_here(Workspace(shop.root), "evaluate", EvaluateParams("mine", ["warm"]), "mine")

    assert all(one.cached for one in stored.read(again.results))
    assert not any(one.cached for one in [*stored.read(first.results), *stored.read(other.results)])


def test_two_evaluations_at_once_write_to_folders_of_their_own(shop: Workspace) -> None:
    one, other = asked_for(shop, fresh=True), asked_for(shop, fresh=True)

    def both() -> None:
        child = os.fork()
        if child == 0:
            os._exit(worker.main(one.path))
        assert worker.main(other.path) == 0
        assert os.waitpid(child, 0)[1] == 0

    lives(both)

    assert len(lines_of(one)) == len(lines_of(other)) == CASES


def test_a_suite_that_was_changed_meanwhile_costs_no_answer(shop: Workspace) -> None:
    folder = run_here(shop, "evaluate", EvaluateParams("mine", ["warm"], fresh=True), "mine")
    said = {one.case: one.output for one in stored.read(folder.results)}
    folder.results.write_bytes(b"".join(lines_of(folder)[:4]))  # as a kill leaves it
    kept = {one.case for one in stored.read(folder.results)}
    changed = SUITE.replace("kind: exact", "kind: length, max: 99").replace("question 5", "another question")
    (shop.paths.evals / "mine.yaml").write_text(changed)

    resume_here(folder)

    results = list(stored.read(folder.results))
    assert len(results) == CASES
    assert {one.case for one in results if one.cached} == kept - {"c5"}
    assert all(one.output == said[one.case] for one in results if one.cached)
    assert all(check.kind == "length" for one in results for check in one.checks)
    [notice] = [one for one in events_of(folder, Notice) if "suite was changed" in getattr(one, "title", "")]
    assert notice is not None


def test_the_threshold_of_now_settles_what_an_earlier_worker_has_judged(shop: Workspace) -> None:
    two = SUITE.replace("[{kind: exact}]", "[{kind: exact}, {kind: length, max: 99}]")
    (shop.paths.evals / "mine.yaml").write_text(two)
    folder = run_here(shop, "evaluate", EvaluateParams("mine", ["warm"]), "mine")
    assert not any(one.passed for one in stored.read(folder.results))
    (shop.paths.evals / "mine.yaml").write_text(two.replace("name: mine", "name: mine\nthreshold: 0.5"))

    resume_here(folder)

    assert all(one.passed for one in stored.read(folder.results))
