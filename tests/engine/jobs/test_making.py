"""How an export's files are made: in one pass or in three steps, stopped, killed, on a full disk, again."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest

from engine.jobs import export
from engine.jobs.context import Stopped
from engine.jobs.making import HEADROOM, expected, needed
from engine.models.directory import ModelDirectory
from engine.models.variants import describe
from store.errors import TemperError
from store.workspace import Workspace
from tests.engine.jobs.test_export import RUN, jobs, notices, phases, quick, ready
from tests.forks import dies, lives

__all__ = ["jobs", "quick", "ready"]

pytestmark = pytest.mark.training

KNOWN = "engine.export.onepass.export.ARCHITECTURES"
WRITES = "engine.export.onepass.write.encoded"


def hashes(result: Any) -> dict[str, str]:
    return {file.type: file.sha256 for file in result.files}


def test_one_pass_and_three_steps_write_the_same_files_and_the_second_says_why(
    ready: Workspace, jobs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = jobs(ready, "f32", "q8_0", out=tmp_path / "once")
    first = hashes(once.export())
    assert phases(once.folder) == ["make 2 types", "check"]
    assert not any("One pass" in text for text in notices(once.folder))
    monkeypatch.setattr(KNOWN, ("GPT2LMHeadModel",))
    thrice = jobs(ready, "f32", "q8_0", out=tmp_path / "thrice")
    assert hashes(thrice.export()) == first
    assert phases(thrice.folder) == ["merge", "convert to f32", "quantise to q8_0", "check"]
    assert "LlamaForCausalLM is not among its architectures" in notices(thrice.folder)[0]


def test_an_export_killed_while_it_writes_leaves_no_file_and_the_next_makes_the_same(
    ready: Workspace, jobs: Any, tmp_path: Path
) -> None:
    killed = jobs(ready, "q8_0", out=tmp_path / "out")
    dies(lambda: export.run(killed.context), WRITES, 3)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f".making-{killed.folder.run_id}"]
    again = hashes(jobs(ready, "q8_0", out=tmp_path / "out").export())
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".gguf", ".json"]
    assert hashes(jobs(ready, "q8_0", out=tmp_path / "other").export()) == again


def test_a_request_to_stop_is_honoured_while_it_writes(
    ready: Workspace, jobs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.export.onepass.ggml import encoded

    job = jobs(ready, "q8_0", out=tmp_path / "out")

    def stop_first(*given: Any) -> Any:
        job.folder.request_stop()
        return encoded(*given)

    monkeypatch.setattr(WRITES, stop_first)
    with pytest.raises(Stopped):
        job.export()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_disk_that_is_full_midway_is_said_and_nothing_is_left(
    ready: Workspace, jobs: Any, tmp_path: Path
) -> None:
    base = ModelDirectory(describe(ready, RUN).model)
    job = jobs(ready, "q8_0", out=tmp_path / "out")

    def with_little_room() -> None:
        most = expected(base, "q8_0") // 2  # the kernel refuses what is past it as it would on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        with pytest.raises(TemperError, match=r"disk is full|could not be written"):
            export.run(job.context)

    lives(with_little_room)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_type_that_fails_leaves_none_of_the_others(
    ready: Workspace, jobs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.export.onepass import export as onepass

    def refuse(*_: Any) -> None:
        raise TemperError("Quantising to q8_0 failed", "So it did.", "Nothing.")

    monkeypatch.setattr(onepass, "quantised_layout", refuse)
    with pytest.raises(TemperError, match="q8_0 failed"):
        jobs(ready, "f32", "q8_0", out=tmp_path / "out").export()
    assert list((tmp_path / "out").iterdir()) == []


def test_an_iq_type_is_quantised_from_what_one_pass_wrote(
    ready: Workspace, jobs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = jobs(ready, "iq4_nl", out=tmp_path / "once")
    first = hashes(once.export())
    assert phases(once.folder)[:3] == ["make f32", "measure importance", "quantise to iq4_nl"]
    assert len(first) == 1
    monkeypatch.setattr(KNOWN, ())
    assert hashes(jobs(ready, "iq4_nl", out=tmp_path / "thrice").export()) == first


def test_one_pass_needs_room_for_its_files_and_three_steps_for_the_merge_too(
    ready: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = describe(ready, RUN)
    base = ModelDirectory(parts.model)
    small, whole = expected(base, "q8_0"), expected(base, "f32")
    assert needed(base, parts.adapter, ["q8_0"], False) == int(small * HEADROOM)
    assert needed(base, parts.adapter, ["iq4_nl"], False) == int(
        (expected(base, "iq4_nl") + whole) * HEADROOM
    )
    monkeypatch.setattr(KNOWN, ())
    assert needed(base, parts.adapter, ["q8_0"], False) > (small + 2 * whole)
    assert needed(base, None, ["q8_0"], False) == int((small + whole) * HEADROOM)
