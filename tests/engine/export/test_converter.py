"""The converter's process: a fork, as other tests have it, writes and says what a process of its own does."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from engine.export.convert import to_gguf
from engine.export.onepass.export import export_once
from engine.models.directory import ModelDirectory
from store.errors import TemperError
from tests.bases import altered
from tests.converters import own_process


def test_a_fork_writes_what_a_process_of_its_own_writes(
    micro: Path, micro_gguf: tuple[Path, list[int]], tmp_path: Path
) -> None:
    forked = to_gguf(micro, tmp_path / "micro-f32.gguf", "f32", "my model")
    assert forked.read_bytes() == micro_gguf[0].read_bytes()


def test_so_does_one_for_a_probe(micro: Path, tmp_path: Path) -> None:
    for name, kind in (("own", own_process()), ("forked", nullcontext())):
        with kind:
            (tmp_path / name).mkdir()
            export_once(ModelDirectory(micro), None, {"q8_0": tmp_path / name / "m.gguf"}, "my model")
    own, forked = (tmp_path / name / "m.gguf" for name in ("own", "forked"))
    assert forked.read_bytes() == own.read_bytes()


def test_a_fork_says_why_as_a_process_of_its_own_does(micro: Path, tmp_path: Path) -> None:
    strange = altered(micro, tmp_path / "strange", "config.json", architectures=["NobodyKnowsForCausalLM"])
    said = []
    for kind in (own_process(), nullcontext()):
        with kind, pytest.raises(TemperError) as caught:
            to_gguf(strange, tmp_path / "m.gguf")
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert "NobodyKnowsForCausalLM" in said[0]
