"""What an export says of itself: passport and file agree, IQ types are measured, fallbacks are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.export.gguf_header import read_header
from engine.export.origin import ORIGIN_KEY, origin_sha256
from engine.jobs.export_request import ExportParams
from engine.models.adapters import adapter_folder, read_passport
from store.errors import UsageError
from store.hashing import sha256_of_file
from store.records.exports import ExportResult
from store.records.passports import ExportPassport
from store.workspace import Workspace
from tests.engine.jobs.test_export import RUN, Job, phases, ready

__all__ = ["ready"]

pytestmark = pytest.mark.training


@pytest.fixture
def start(ready: Workspace) -> Iterator[Any]:  # the fixture of that name
    made: list[Job] = []

    def make(*types: str, **options: Any) -> Job:
        made.append(Job(ready, "export", ExportParams(options.pop("source", RUN), list(types), **options)))
        return made[-1]

    yield make
    for job in made:
        job.close()


def passport_of(job: Job, result: ExportResult) -> ExportPassport:
    path = Path(result.files[0].path).parent / f"{job.folder.run_id}.json"
    return msgspec.json.decode(path.read_bytes(), type=ExportPassport)


def test_an_iq_type_is_measured_on_the_runs_rows_and_the_file_says_where_it_comes_from(
    start: Any, ready: Workspace
) -> None:
    job = start("iq4_xs")
    result = job.export()
    assert "measure importance" in phases(job.folder)
    file = Path(result.files[0].path)
    header = read_header(file)
    # rows of 64 hold no block of 256
    assert "blk.0.attn_q.weight" in result.files[0].fallbacks["iq4_nl"]
    told = {name for names in result.files[0].fallbacks.values() for name in names}
    assert told == {one.name for one in header.tensors if len(one.shape) > 1}
    passport = passport_of(job, result)
    assert passport.origin is not None
    assert passport.origin_sha256 == header.metadata[ORIGIN_KEY] == origin_sha256(passport.origin)
    trained = read_passport(adapter_folder(ready.paths.runs / RUN))
    adapter = passport.origin.adapters[0]
    assert (adapter.run_id, list(adapter.data), adapter.seed) == (RUN, [trained.dataset], trained.recipe.seed)
    assert passport.result.files[0].sha256 == sha256_of_file(file)
    assert (passport.device, passport.origin.base_sha256) == ("cpu", trained.base_sha256)


def test_a_plain_model_has_no_rows_to_measure_importance_on(start: Any, ready: Workspace) -> None:
    job = start("iq4_xs", source="tiny")
    with pytest.raises(UsageError, match="IQ types need the rows"):
        job.export()
    assert list(job.folder.artifacts.iterdir()) == []


def test_an_adapter_alone_is_checked_over_its_base_and_knows_its_origin(start: Any) -> None:
    job = start("f32", adapter_only=True)
    result = job.export()
    assert [Path(file.path).name for file in result.files] == [f"{RUN}-adapter-f32.gguf"]
    check = result.ship_check
    assert (check.verdict, check.token_ids_equal, check.top1_agreement) == ("WARN", 1.0, 1.0)
    assert "as it was trained on 4 bits" in check.reasons[-1]
    assert check.tokens > check.prompts > 0
    header = read_header(Path(result.files[0].path))
    assert header.metadata["general.type"] == "adapter"
    assert header.metadata[ORIGIN_KEY] == passport_of(job, result).origin_sha256
    left = {path.name for path in job.folder.artifacts.iterdir()}
    assert left == {f"{RUN}-adapter-f32.gguf", f"{job.folder.run_id}.json"}


@pytest.mark.parametrize(("source", "kind"), [("tiny", "f32"), (RUN, "q8_0")])
def test_what_has_no_adapter_file_is_refused(source: str, kind: str, start: Any) -> None:
    job = start(kind, source=source, adapter_only=True)
    with pytest.raises(UsageError, match="has no adapter GGUF"):
        job.export()
    assert list(job.folder.artifacts.iterdir()) == []
