"""The job with --ladder: every type measured, the smallest good one kept; which types are tried."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.export.ladder import LADDER
from engine.export.quantise import BITS
from engine.export.tolerances import TOLERANCES, Tolerance
from engine.jobs.climbing import kept, types_for
from engine.jobs.export_request import ExportParams
from engine.models.variants import describe
from store.records.exports import ExportResult
from store.records.ladders import Ladder, Rung
from store.records.passports import ExportPassport
from store.workspace import Workspace
from tests.engine.jobs.test_export import RUN, Job, phases, quick, ready

__all__ = ["quick", "ready"]

pytestmark = pytest.mark.training


@pytest.fixture
def climb(ready: Workspace) -> Iterator[Any]:
    made: list[Job] = []

    def make(*types: str, out: Path) -> tuple[Job, ExportResult]:
        made.append(Job(ready, "export", ExportParams(RUN, list(types), str(out), ladder=True)))
        return made[-1], made[-1].export()

    yield make
    for job in made:
        job.close()


@pytest.mark.usefixtures("quick")
def test_all_types_are_measured_and_only_the_smallest_good_one_is_kept(climb: Any, tmp_path: Path) -> None:
    job, result = climb("f32", "q8_0", "q3_k_m", out=tmp_path / "out")
    assert result.ladder is not None
    assert [rung.type for rung in result.ladder.rungs] == ["f32", "q8_0", "q3_k_m"]
    for rung in result.ladder.rungs:
        assert rung.tokens_per_second > 0
        assert rung.memory_bytes > 0
        assert rung.load_seconds > 0
        assert rung.perplexity is not None
        assert rung.kl_mean is not None
        assert rung.suite_score is not None
        assert rung.suite_cases == 8
    chosen = result.ladder.smallest
    assert [file.type for file in result.files] == [chosen]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [f"{RUN}-{chosen}.gguf", f"{job.folder.run_id}.json"]
    )
    assert phases(job.folder)[-2:] == ["check", "measure types"]
    passport = msgspec.json.decode(
        (tmp_path / "out" / f"{job.folder.run_id}.json").read_bytes(), type=ExportPassport
    )
    assert passport.result.ladder == result.ladder


@pytest.mark.usefixtures("quick")
def test_where_no_type_is_good_the_most_exact_is_kept_with_its_verdict(
    climb: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("f32", "q8_0"):
        monkeypatch.setitem(TOLERANCES, kind, Tolerance(0.0, 1.1, 1.1, "nothing is good enough here"))
    _, result = climb("f32", "q8_0", out=tmp_path / "out")
    assert result.ladder is not None
    assert result.ladder.smallest == ""
    assert [Path(file.path).name for file in result.files] == [f"{RUN}-f32.BLOCKED.gguf"]
    assert result.ship_check.verdict == "BLOCK"


def test_the_bases_own_type_and_all_below_are_tried_from_the_most_exact_down(ready: Workspace) -> None:
    kinds = types_for(ready, describe(ready, RUN), None, [])
    assert (kinds[0], set(kinds)) == ("f32", {"f32", *LADDER})
    assert [BITS[kind] for kind in kinds] == sorted((BITS[kind] for kind in kinds), reverse=True)
    assert types_for(ready, describe(ready, RUN), None, ["q4_0", "f16"]) == ["f16", "q4_0"]


def test_types_that_need_rows_are_not_tried_without_any(ready: Workspace, micro: Path) -> None:
    shutil.rmtree(ready.paths.datasets)
    for name in (RUN, str(micro)):
        kinds = types_for(ready, describe(ready, name), None, [])
        assert kinds == ["f32", "q8_0", "q6_k", "q5_k_m", "q4_k_m", "q3_k_m"]


def test_the_smallest_good_type_is_kept_else_the_most_exact() -> None:
    rungs = [Rung(kind, 1, 0, 0, 0, None, None, None, 0, 0, "SHIP") for kind in ("f32", "q8_0")]
    assert (kept(Ladder(rungs, "q8_0", "")), kept(Ladder(rungs, "", ""))) == ("q8_0", "f32")
