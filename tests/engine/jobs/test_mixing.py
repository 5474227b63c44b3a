"""An export of several adapters: combined, merged, checked against them unmerged, and how it is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from engine.data.ensure import ensure_dataset
from engine.export import merge as merging
from engine.jobs import leftovers, mixing
from engine.jobs.export_request import ExportParams
from engine.models.adapters import PASSPORT, adapter_folder
from engine.models.directory import ModelDirectory
from store import clock, runs
from store.records.adapters import AdapterPassport
from store.records.events import Finished, Notice
from store.records.exports import AdapterShare, ExportResult, Mix
from store.records.passports import ExportPassport
from store.workspace import Workspace
from tests.bases import ANSWERS, RECIPE
from tests.engine.export.untrained import adapter_on
from tests.workers import lay_run, run_here

pytestmark = pytest.mark.training

SHARES = [AdapterShare("train-1", 0.6), AdapterShare("train-2", 0.5)]


@pytest.fixture
def lay(workspace: Workspace, micro: Path) -> Callable[..., None]:
    """Lays a training run whose adapter is random, and the rows that it was trained on."""

    def laid(number: int, system: str = "") -> None:
        name = f"chats{number}"
        rows = [{"prompt": f"Question {number} {n}?", "completion": one} for n, one in enumerate(ANSWERS)]
        text = "\n".join(map(json.dumps, rows)) + "\n"
        (workspace.root / "data" / f"{name}.jsonl").write_text(text, encoding="utf-8")
        with (workspace.root / "temper.toml").open("a", encoding="utf-8") as file:
            file.write(f'[datasets.{name}]\nsource = "data/{name}.jsonl"\n')
        ensure_dataset(Workspace(workspace.root), name)
        (workspace.root / "evals").mkdir(exist_ok=True)
        suite = f"name: {name}\ncases: {{dataset: {name}}}\nchecks: [{{kind: exact}}]\n"
        (workspace.root / "evals" / f"{name}.yaml").write_text(suite, encoding="utf-8")
        folder = adapter_folder(lay_run(workspace, f"train-{number}", [], job="train").path)
        adapter_on(micro, folder, seed=number)
        base = ModelDirectory(micro)
        passport = AdapterPassport(
            run_id=f"train-{number}",
            base="micro",
            base_path=str(micro),
            base_sha256=base.fingerprint(),
            dataset=f"{name}@1",
            dataset_sha256="",
            recipe=RECIPE,
            adapter_sha256="",
            template_sha256="",
            system=system,
            steps=1,
            created=clock.stamp(),
            device="cpu",
        )
        (folder / PASSPORT).write_bytes(msgspec.json.encode(passport))

    return laid


def exported(workspace: Workspace, mix: Mix) -> tuple[ExportResult, runs.RunFolder]:
    folder = run_here(workspace, "export", ExportParams("", ["f32"], None, mix), "a mix")
    view = runs.view(folder)
    assert view.state == "finished", view.error
    return msgspec.convert(view.result, ExportResult), folder


def test_two_adapters_become_one_checked_file_that_says_how(
    workspace: Workspace, lay: Callable[..., None]
) -> None:
    lay(1)
    lay(2)
    mix = Mix(SHARES, "dare_linear", 0.7, 5)
    result, folder = exported(workspace, mix)
    assert [Path(file.path).name for file in result.files] == ["train-1+train-2-f32.gguf"]
    assert (result.ship_check.verdict, result.ship_check.reasons) == ("SHIP", [])
    assert (result.source, result.adapter, result.mix) == ("", "", mix)
    written = (folder.artifacts / f"{result.run_id}.json").read_bytes()
    report = msgspec.json.decode(written, type=ExportPassport)
    assert (report.result.mix, report.adapter, len(report.adapter_sha256)) == (mix, "", 64)
    assert {path.suffix for path in folder.artifacts.iterdir()} == {".gguf", ".json"}
    assert list(workspace.paths.models.glob("*/f32.gguf")) == []  # no variant could ask for it


class CutOff(Exception):
    """In the place of a kill."""


def test_an_export_goes_on_with_the_merge_that_a_killed_one_began(
    workspace: Workspace,
    lay: Callable[..., None],
    micro: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lay(1)
    lay(2)
    adapter = mixing.combined(workspace, Mix(SHARES), tmp_path / "adapter")
    dead = lay_run(workspace, "export-1", [Finished(status="failed")], job="export")
    left = dead.artifacts / f"{leftovers.SCRATCH}export-1"
    left.mkdir()

    def cut(done: int) -> None:
        raise CutOff

    with pytest.raises(CutOff):
        merging.merge(ModelDirectory(micro), adapter, leftovers.merged_folder(left), cut)
    monkeypatch.setattr(merging, "write_shard", None)  # no shard may be written again
    result, _ = exported(workspace, Mix(SHARES))
    assert (result.ship_check.verdict, result.ship_check.reasons) == ("SHIP", [])


def test_differing_prompts_are_told(workspace: Workspace, lay: Callable[..., None]) -> None:
    lay(1, system="Be brief.")
    lay(2)
    assert mixing.differing(workspace, Mix(SHARES)) != ""
    assert mixing.describe_mix(workspace, Mix(SHARES)).system == "Be brief."
    _, folder = exported(workspace, Mix(SHARES))
    events = runs.read_events(folder.events)
    told = [event for event in events if isinstance(event, Notice) and event.title == "Combined adapters"]
    assert ["train-1" in event.text for event in told] == [True]


def test_the_same_mix_of_the_same_adapter_alone_is_that_adapter(
    workspace: Workspace, lay: Callable[..., None]
) -> None:
    lay(1)
    assert mixing.asked("", ["train-1"], "ties", 0.5, 0) == ("train-1", None)
    assert mixing.asked("", ["train-1:0.5"], "cat", 0.5, 0) == (
        "",
        Mix([AdapterShare("train-1", 0.5)], "cat"),
    )
