"""An export made again from its passport: the same bytes, or a refusal that says what has changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.jobs import exporting_again, provenance
from engine.jobs.export_request import ExportParams
from engine.models.adapters import PASSPORT, adapter_folder
from store.errors import MissingError, RefusedError
from store.workspace import Workspace
from tests.engine.jobs.test_export import RUN, Job, jobs, ready
from tests.workers import lay_run

__all__ = ["jobs", "ready"]

pytestmark = pytest.mark.training


@pytest.fixture
def done(ready: Workspace, jobs: Any, tmp_path: Path) -> Any:
    """A finished export into a folder of its own, and its result."""
    job = jobs(ready, "q8_0", out=tmp_path / "out")
    return job, job.export()


def test_the_same_export_gives_the_same_bytes_and_changes_are_named(
    ready: Workspace, done: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, result = done
    params, passport = exporting_again.prepare(ready, job.folder)
    assert params == ExportParams(RUN, ["q8_0"])  # into the new run's own folder
    assert passport.result == result
    again = Job(ready, "export", params)
    found = exporting_again.compare(passport.result, again.export())
    again.close()
    assert [(file.type, file.equal) for file in found] == [("q8_0", True)]

    monkeypatch.setattr(provenance, "versions", lambda: {"torch": "9.9"})
    with pytest.raises(RefusedError, match="has changed") as refused:
        exporting_again.prepare(ready, job.folder)
    assert "is 9.9" in refused.value.happened
    monkeypatch.undo()

    file = adapter_folder(ready.paths.runs / RUN) / PASSPORT
    changed = msgspec.json.decode(file.read_bytes()) | {"dataset_sha256": "other"}
    file.write_bytes(msgspec.json.encode(changed))
    with pytest.raises(RefusedError, match="has changed") as refused:
        exporting_again.prepare(ready, job.folder)
    assert refused.value.happened == "the adapter, or what it was trained on"


def test_a_run_without_a_passport_cannot_be_made_again(ready: Workspace) -> None:
    with pytest.raises(MissingError, match="no passport"):
        exporting_again.prepare(ready, lay_run(ready, "export-9", [], "export"))
