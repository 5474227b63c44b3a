"""Conversion: a whole file or none, what the file says of itself, refusals with the converter's reason."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from engine.export.convert import native_type, to_gguf
from engine.inference.llama import Model
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from store import paths
from store.errors import MissingError, TemperError
from tests.bases import altered
from tests.ggufs import tiny_f32

TINY = builtin_directory("tiny")


def test_the_file_has_the_models_own_template_and_stop_token() -> None:
    base = ModelDirectory(TINY)
    model = Model(tiny_f32(), vocabulary_only=True)
    assert model.chat_template == base.chat_template
    assert model.token_text(model.eos_id) == base.special_token("eos_token")
    assert model.eos_id in model.stop_ids
    model.close()


def test_the_name_is_the_one_that_was_asked_for(micro_gguf: tuple[Path, list[int]]) -> None:
    model = Model(micro_gguf[0], vocabulary_only=True)
    assert model.metadata["general.name"] == "my model"
    model.close()


def test_the_bytes_written_are_told_while_it_works(micro_gguf: tuple[Path, list[int]]) -> None:
    file, heard = micro_gguf
    assert len(heard) > 1
    assert heard == sorted(heard)
    assert heard[-1] <= file.stat().st_size


@pytest.mark.parametrize(("dtype", "kind"), [("bfloat16", "bf16"), ("float16", "f16"), ("float32", "f32")])
def test_the_native_type_is_what_the_weights_are_kept_in(
    dtype: str, kind: str, micro: Path, tmp_path: Path
) -> None:
    assert native_type(ModelDirectory(altered(micro, tmp_path / "m", "config.json", dtype=dtype))) == kind


def test_what_advance_raises_stops_the_converter_and_leaves_nothing(micro: Path, tmp_path: Path) -> None:
    def stop(written: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        to_gguf(micro, tmp_path / "out" / "m.gguf", advance=stop)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_tokenizer_that_llama_cpp_cannot_follow_is_refused_with_the_reason(
    micro: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "odd"
    shutil.copytree(micro, folder)
    raw = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    split = {"type": "Split", "pattern": {"Regex": r"\d|\D+"}, "behavior": "Isolated", "invert": False}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    raw["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [split, level]}
    (folder / "tokenizer.json").write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(TemperError, match="converter refused the model") as caught:
        to_gguf(folder, tmp_path / "out" / "m.gguf")
    assert "no GGUF of it would be right" in caught.value.remedy
    assert list((tmp_path / "out").iterdir()) == []


def test_an_architecture_that_llama_cpp_does_not_know_is_refused(micro: Path, tmp_path: Path) -> None:
    folder = altered(micro, tmp_path / "m", "config.json", architectures=["MarvellousForCausalLM"])
    with pytest.raises(TemperError, match="MarvellousForCausalLM"):
        to_gguf(folder, tmp_path / "m.gguf")


def test_without_the_converter_the_command_that_makes_it_is_named(
    micro: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "converter_dir", lambda: tmp_path)
    with pytest.raises(MissingError) as caught:
        to_gguf(micro, tmp_path / "m.gguf")
    assert "scripts/setup" in caught.value.remedy
