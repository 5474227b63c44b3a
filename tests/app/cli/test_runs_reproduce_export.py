"""`temper runs reproduce` of an export: equal files, or code 5 and which file is another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.jobs import provenance
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from store.errors import ExitCode
from store.records.events import Artifact, Finished
from store.records.exports import ExportedFile, ExportResult, ShipCheck
from store.records.passports import ExportPassport
from store.records.runs import RunSpec
from store.runs import RunFolder
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.workers import lay_run


def result_of(sha256: str) -> ExportResult:
    files = [ExportedFile("/x/tiny-q8_0.gguf", "q8_0", 5, sha256, ShipCheck("SHIP"))]
    return ExportResult("export-1", "tiny", files, ShipCheck("SHIP"))


@pytest.fixture
def exported(workspace: Workspace) -> RunFolder:
    """A finished export of the embedded base, with its passport."""
    base = ModelDirectory(builtin_directory("tiny"))
    origin, _ = provenance.find_origin(workspace, base, [], None)
    passport = ExportPassport(
        created="2026-01-01T00:00:00.000Z",
        base=str(base.path),
        base_sha256=origin.base_sha256,
        adapter="",
        adapter_sha256="",
        versions={},
        result=result_of("abcd"),
        origin=origin,
    )
    beside = workspace.root / "export-1.json"
    beside.write_bytes(msgspec.json.encode(passport))
    events = [Artifact("export-1.json", str(beside), "report"), Finished(status="finished")]
    folder = lay_run(workspace, "export-1", events, "export")
    params = {"source": "tiny", "types": ["q8_0", "q4_0"], "ladder": True, "out": "somewhere"}
    spec = RunSpec("export-1", "export", "2026-01-01T00:00:00.000Z", str(workspace.root), params, "tiny")
    (folder.path / "spec.json").write_bytes(msgspec.json.encode(spec))
    return folder


def starts(monkeypatch: pytest.MonkeyPatch, sha256: str) -> list[Any]:
    """Runs that end at once with a file of that hash; the parameters they were given."""
    asked: list[Any] = []

    def start(workspace: Workspace, job: Any, params: Any, title: str, command: str) -> RunFolder:
        asked.append(params)
        result = msgspec.to_builtins(result_of(sha256))
        return lay_run(workspace, "export-2", [Finished(status="finished", result=result)], job, command)

    monkeypatch.setattr("engine.jobs.launch.start", start)
    return asked


def test_equal_files_are_said_to_be_so(
    temper: Temper, exported: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = starts(monkeypatch, "abcd")
    ended = temper("runs", "reproduce", "export-1")
    assert ended.code == 0, ended.err
    assert "the same file" in ended.out
    # what was kept then, into a folder of its own
    assert (asked[0].types, asked[0].ladder, asked[0].out) == (["q8_0"], False, None)


def test_another_file_ends_with_refused_and_stands_in_the_json(
    temper: Temper, exported: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts(monkeypatch, "ffff")
    ended = temper("runs", "reproduce", "export-1", "--json")
    assert ended.code == ExitCode.REFUSED
    assert ended.json()["files"] == [{"type": "q8_0", "sha256": "abcd", "again": "ffff", "equal": False}]


def test_a_base_that_has_changed_is_named_and_nothing_starts(
    temper: Temper, exported: RunFolder, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = starts(monkeypatch, "abcd")
    file = Path(workspace.root / "export-1.json")
    passport = msgspec.json.decode(file.read_bytes())
    passport["origin"]["base_sha256"] = "another"
    file.write_bytes(msgspec.json.encode(passport))
    ended = temper("runs", "reproduce", "export-1")
    assert (ended.code, asked) == (ExitCode.REFUSED, [])
    assert "the base: its files are others" in ended.err
