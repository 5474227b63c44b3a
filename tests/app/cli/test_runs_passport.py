"""`temper runs show --passport`: an export's and a training run's, as they stand on the disk."""

from __future__ import annotations

import json

import msgspec

from store.errors import ExitCode
from store.records.events import Artifact, Finished
from store.records.exports import ExportResult, ShipCheck
from store.records.passports import ExportPassport
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.app.cli.stage import lay_training
from tests.workers import lay_run


def test_an_exports_passport_is_the_file_beside_its_files(temper: Temper, workspace: Workspace) -> None:
    beside = workspace.root / "out" / "export-1.json"
    beside.parent.mkdir()
    beside.write_text(json.dumps({"origin_sha256": "ab"}), encoding="utf-8")
    events = [Artifact("export-1.json", str(beside), "report"), Finished(status="finished")]
    lay_run(workspace, "export-1", events, "export")
    assert temper("runs", "show", "export-1", "--passport").json() == {"origin_sha256": "ab"}
    beside.unlink()
    ended = temper("runs", "show", "export-1", "--passport")
    assert ended.code == ExitCode.MISSING
    assert f"{beside} is not there any more" in ended.err


def test_a_training_runs_passport_is_its_adapters(temper: Temper, workspace: Workspace) -> None:
    folder = lay_training(workspace)
    assert temper("runs", "show", folder.run_id, "--passport").json()["run_id"] == folder.run_id


def test_a_run_without_a_passport_says_so(temper: Temper, workspace: Workspace) -> None:
    lay_run(workspace, "evaluate-1", [Finished(status="finished")], "evaluate")
    ended = temper("runs", "show", "evaluate-1", "--passport")
    assert ended.code == ExitCode.MISSING
    assert "has no passport" in ended.err


def test_what_was_evaluated_since_an_export_is_shown_with_its_passport(
    temper: Temper, workspace: Workspace
) -> None:
    check = ShipCheck("WARN")
    passport = ExportPassport(
        created="2026-01-01T00:00:00.000Z",
        base="tiny",
        base_sha256="",
        adapter="",
        adapter_sha256="",
        versions={},
        result=ExportResult("export-1", "tiny", [], check),
    )
    beside = workspace.root / "export-1.json"
    beside.write_bytes(msgspec.json.encode(passport))
    events = [Artifact("export-1.json", str(beside), "report"), Finished(status="finished")]
    lay_run(workspace, "export-1", events, "export")
    assert temper("runs", "show", "export-1", "--passport").json()["scores"] == []
    score = {"name": "base", "n": 20, "score": 0.5, "stderr": 0.1}
    result = {"suite": "s", "variants": [score]}
    lay_run(workspace, "evaluate-1", [Finished(status="finished", result=result)], "evaluate")
    found = temper("runs", "show", "export-1", "--passport").json()["scores"]
    assert [(one["suite"], one["variant"], one["score"], one["run_id"]) for one in found] == [
        ("s", "base", 0.5, "evaluate-1")
    ]
