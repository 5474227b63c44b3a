"""The jobs `export` and `convert`: checked files under final names, or nothing but what is cleared away."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.data.ensure import ensure_dataset
from engine.export import gguf_cache, quantise
from engine.export.ship.check import NO_SUITE
from engine.export.tolerances import TOLERANCES, Tolerance
from engine.jobs import convert, examining, export, launch, making
from engine.jobs.context import JobContext, Stopped
from engine.jobs.convert import ConvertParams
from engine.jobs.export_request import ExportParams
from engine.models.adapters import PASSPORT, adapter_folder, model_folder, read_passport
from engine.models.directory import ModelDirectory
from engine.models.variants import resolve
from store import clock, runs
from store.errors import MissingError, TemperError, UsageError
from store.hashing import sha256_of_file
from store.records.adapters import AdapterPassport
from store.records.events import Notice, Progress
from store.records.exports import ExportResult
from store.records.passports import ExportPassport
from store.records.runs import JobKind, RunSpec
from store.runs import EventWriter, RunFolder
from store.workspace import Workspace
from tests.bases import ANSWERS, RECIPE
from tests.engine.conftest import Trained
from tests.workers import kill, lay_run, wait_until

pytestmark = pytest.mark.training

RUN = "train-1"


@pytest.fixture
def ready(workspace: Workspace, trained: Trained) -> Workspace:
    """A workspace with the trained adapter as the run train-1, and the rows that it was trained on."""
    rows = [{"prompt": f"Question number {n}?", "completion": one} for n, one in enumerate(ANSWERS)]
    text = "\n".join(map(json.dumps, rows)) + "\n"
    (workspace.root / "data" / "chats.jsonl").write_text(text, encoding="utf-8")
    ensure_dataset(workspace, "chats")
    (workspace.root / "evals").mkdir(exist_ok=True)
    suite = "name: chats\ncases: {dataset: chats}\nchecks: [{kind: exact}]\n"
    (workspace.root / "evals" / "chats.yaml").write_text(suite, encoding="utf-8")
    folder = adapter_folder(lay_run(workspace, RUN, [], job="train").path)
    shutil.copytree(trained.adapter, folder)
    base = ModelDirectory(trained.base)
    passport = AdapterPassport(
        run_id=RUN,
        base="micro",
        base_path=str(base.path),
        base_sha256=base.fingerprint(),
        dataset="chats@1",
        dataset_sha256="",
        recipe=RECIPE,
        adapter_sha256="",
        template_sha256="",
        system="",
        steps=100,
        created=clock.stamp(),
        device="cpu",
    )
    (folder / PASSPORT).write_bytes(msgspec.json.encode(passport))
    return workspace


@pytest.fixture
def quick(merged_f32: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No conversion, which takes seconds and has its own tests: one that was made before is taken."""

    def take(source: Path, out: Path, *rest: object) -> Path:
        return Path(shutil.copyfile(merged_f32, out))

    monkeypatch.setattr("engine.export.onepass.export.ARCHITECTURES", ())
    monkeypatch.setattr(making, "to_gguf", take)
    monkeypatch.setattr(gguf_cache, "to_gguf", take)


def phases(folder: RunFolder) -> list[str]:
    """The phases that a run has come to, in their order."""
    events = runs.read_events(folder.events)
    return list(dict.fromkeys(event.phase for event in events if isinstance(event, Progress)))


def notices(folder: RunFolder) -> list[str]:
    """What a run has told its user."""
    return [event.text for event in runs.read_events(folder.events) if isinstance(event, Notice)]


class Job:
    """A job run inside the test's process, in a run folder of its own."""

    def __init__(self, workspace: Workspace, kind: JobKind, params: msgspec.Struct) -> None:
        run_id = clock.new_id(kind)
        spec = RunSpec(run_id, kind, clock.stamp(), str(workspace.root), msgspec.to_builtins(params))
        self.folder = runs.create(workspace.paths.runs, spec)
        self._writer = EventWriter(self.folder)
        self.context = JobContext(self.folder, spec, self._writer)

    def export(self) -> ExportResult:
        """Export, and give the result as its record."""
        return msgspec.convert(export.run(self.context), ExportResult)

    def close(self) -> None:
        """Close the events."""
        self._writer.close()


@pytest.fixture
def jobs() -> Iterator[Any]:
    made: list[Job] = []

    def make(workspace: Workspace, *types: str, source: str = RUN, out: Path | None = None) -> Job:
        params = ExportParams(source, list(types), str(out) if out else None)
        made.append(Job(workspace, "export", params))
        return made[-1]

    yield make
    for job in made:
        job.close()


def test_a_run_becomes_checked_files_with_hashes_and_a_report(ready: Workspace, jobs: Any) -> None:
    job = jobs(ready, "f32", "q8_0", source="last")
    result = job.export()
    assert (result.run_id, result.source, result.adapter) == (job.folder.run_id, RUN, RUN)
    assert [(file.type, Path(file.path).name) for file in result.files] == [
        ("f32", f"{RUN}-f32.gguf"),
        ("q8_0", f"{RUN}-q8_0.gguf"),
    ]
    for file in result.files:
        path = Path(file.path)
        assert (file.bytes, file.sha256) == (path.stat().st_size, sha256_of_file(path))
        assert file.ship_check is not None
        # trained on 4 bits, from which so small a random model differs; nothing else may be said
        assert [one[:14] for one in file.ship_check.reasons] == ["The merge left"]
        assert file.ship_check.trained_reference == "base + adapter, NF4, cpu"
        assert (file.ship_check.suite, file.ship_check.suite_cases) == ("chats", len(ANSWERS))
        assert file.ship_check.suite_score == file.ship_check.suite_reference
    assert result.ship_check.verdict == "WARN"
    report = job.folder.artifacts / f"{job.folder.run_id}.json"
    written = msgspec.json.decode(report.read_bytes(), type=ExportPassport)
    assert (written.result, written.versions["peft"]) == (result, written.versions["peft"])
    left = {path.name for path in job.folder.artifacts.iterdir()}
    assert left == {f"{RUN}-f32.gguf", f"{RUN}-q8_0.gguf", report.name}
    assert phases(job.folder) == ["make 2 types", "check"]
    artifacts = runs.view(job.folder).artifacts
    assert [artifact.type for artifact in artifacts] == ["gguf", "gguf", "report"]


@pytest.mark.usefixtures("quick")
def test_variants_use_what_was_exported(ready: Workspace, jobs: Any) -> None:
    result = jobs(ready, "f32").export()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quantise, "quantise", None)  # nothing may be made anew
        (ready.root / "temper.toml").write_text(f'[variants.tuned]\nadapter = "{RUN}"\nquant = "f32"\n')
        variant = resolve(Workspace(ready.root), "tuned")
    assert Path(variant.gguf).samefile(result.files[0].path)


@pytest.mark.usefixtures("quick")
def test_a_plain_model_goes_to_the_folder_that_was_asked_for(
    ready: Workspace, merged: Path, tmp_path: Path, jobs: Any
) -> None:
    out = tmp_path / "out" / "deeper"
    result = jobs(ready, "f32", source=str(merged), out=out).export()
    assert [Path(file.path) for file in result.files] == [out / f"{merged.name}-f32.gguf"]
    assert (result.ship_check.verdict, result.ship_check.reasons) == ("WARN", [NO_SUITE])
    assert result.ship_check.reference == "base, float32, cpu"


@pytest.mark.usefixtures("quick")
def test_a_model_that_a_run_trained_as_a_whole_is_checked_on_that_runs_rows(
    ready: Workspace, merged: Path, jobs: Any
) -> None:
    whole = model_folder(lay_run(ready, "train-2", [], job="train").path)
    shutil.copytree(merged, whole)
    passport = read_passport(adapter_folder(ready.paths.runs / RUN))
    passport.run_id, passport.recipe = "train-2", msgspec.structs.replace(RECIPE, method="full")
    (whole / PASSPORT).write_bytes(msgspec.json.encode(passport))
    job = jobs(ready, "f32", source="train-2")
    result = job.export()
    assert (result.ship_check.verdict, result.ship_check.suite) == ("SHIP", "chats")
    report = (job.folder.artifacts / f"{job.folder.run_id}.json").read_bytes()
    origin = msgspec.json.decode(report, type=ExportPassport).origin
    assert origin is not None
    assert (origin.base, [one.run_id for one in origin.adapters]) == ("micro", ["train-2"])


@pytest.mark.usefixtures("quick")
def test_a_blocked_file_is_kept_reported_and_not_used(
    ready: Workspace, jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TOLERANCES, "q8_0", Tolerance(0.0, 1.1, 1.1, "nothing is good enough here"))
    job = jobs(ready, "q8_0")
    result = job.export()
    assert result.ship_check.verdict == "BLOCK"
    assert Path(result.files[0].path).is_file()
    assert Path(result.files[0].path).name == f"{RUN}-q8_0.BLOCKED.gguf"
    assert not (job.folder.artifacts / f"{RUN}-q8_0.gguf").exists()
    assert "BLOCK" in (job.folder.artifacts / f"{job.folder.run_id}.json").read_text(encoding="utf-8")
    assert "nothing is good enough here" in notices(job.folder)[-1]
    assert list(ready.paths.models.glob("*/q8_0.gguf")) == []


@pytest.mark.usefixtures("quick")
def test_without_the_rows_it_was_trained_on_the_verdict_is_a_warning(ready: Workspace, jobs: Any) -> None:
    shutil.rmtree(ready.paths.datasets)
    check = jobs(ready, "f32").export().ship_check
    assert check.verdict == "WARN"
    assert "without the rows it was trained on" in check.reasons[0]


@pytest.mark.usefixtures("quick")
def test_a_request_to_stop_is_honoured_between_phases_and_leaves_no_file(
    ready: Workspace, jobs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobs(ready, "f32", out=tmp_path / "out")
    check = examining.check_files

    def stop_then_check(*given: Any) -> Any:
        job.folder.request_stop()
        return check(*given)

    monkeypatch.setattr(examining, "check_files", stop_then_check)
    with pytest.raises(Stopped):
        job.export()
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.usefixtures("quick")  # for the second one; the killed one is a process of its own
def test_an_export_killed_in_the_middle_leaves_no_file_and_the_next_clears_up(
    ready: Workspace, jobs: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    folder = launch.start(ready, "export", ExportParams(RUN, ["f32"], str(out)), "to be killed")
    wait_until(lambda: "make f32" in phases(folder))
    kill(folder)
    left = list(out.iterdir())
    assert [path.name for path in left] == [f".making-{folder.run_id}"]
    assert runs.view(folder).state == "died"
    jobs(ready, "f32", out=out).export()
    assert not left[0].exists()
    assert sorted(path.suffix for path in out.iterdir()) == [".gguf", ".json"]


def test_a_file_that_is_there_is_not_written_over(ready: Workspace, jobs: Any, tmp_path: Path) -> None:
    (tmp_path / f"{RUN}-f32.gguf").write_bytes(b"mine")
    with pytest.raises(UsageError, match="there already"):
        jobs(ready, "f32", out=tmp_path).export()
    assert (tmp_path / f"{RUN}-f32.gguf").read_bytes() == b"mine"


def test_a_blocked_file_that_is_there_is_not_written_over(
    ready: Workspace, jobs: Any, tmp_path: Path
) -> None:
    (tmp_path / f"{RUN}-f32.BLOCKED.gguf").write_bytes(b"mine")
    with pytest.raises(UsageError, match="there already"):
        jobs(ready, "f32", out=tmp_path).export()


def test_too_small_a_disk_is_said_before_anything_is_written(
    ready: Workspace, jobs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(TemperError, match="disk is too small for the export"):
        jobs(ready, "f32", out=tmp_path / "out").export()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_missing_model_and_a_gguf_are_refused(ready: Workspace, jobs: Any, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="not there"):
        jobs(ready, "f32", source=str(tmp_path / "none")).export()
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    with pytest.raises(UsageError, match="exported already"):
        jobs(ready, "f32", source=str(tmp_path / "m.gguf")).export()


@pytest.mark.usefixtures("quick")
def test_a_model_is_converted_once(workspace: Workspace, micro: Path) -> None:
    job = Job(workspace, "convert", ConvertParams(str(micro), "f32"))
    first = convert.run(job.context)
    assert first["bytes"] == Path(first["gguf"]).stat().st_size
    said = notices(job.folder)
    assert len(said) == 1
    assert (convert.run(job.context), notices(job.folder)) == (first, said)
    job.close()
