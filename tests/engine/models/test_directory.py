"""Model directories: whole ones are described, others refused with what is missing and what to do."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from engine.models.builtin import builtin_directory
from engine.models.directory import INDEX, SINGLE, ModelDirectory
from store.errors import MissingError, UsageError
from tests.bases import altered

TINY = builtin_directory("tiny")


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    """The embedded base with two small weights files and their index."""
    folder = tmp_path / "sharded"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(TINY / name, folder / name)
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    save_file({"a": np.zeros((2, 3), np.float32)}, folder / names[0])
    save_file({"b": np.zeros((4,), np.float32)}, folder / names[1])
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": names[0], "b": names[1]}}))
    return folder


def test_the_embedded_base_is_whole() -> None:
    base = ModelDirectory(TINY)
    config = json.loads((TINY / "config.json").read_text())

    assert (base.architecture, base.dtype) == ("LlamaForCausalLM", "float32")
    assert base.context_length == config["max_position_embeddings"]
    assert base.shapes["model.embed_tokens.weight"] == [config["vocab_size"], config["hidden_size"]]
    assert base.parameters == sum(math.prod(shape) for shape in base.shapes.values())
    assert base.special_token("eos_token") == "<|im_end|>"
    assert base.special_token("bos_token") == ""
    assert "<|im_start|>" in base.chat_template


def test_weights_in_several_files_are_read_by_the_index(sharded: Path) -> None:
    base = ModelDirectory(sharded)

    assert base.shapes == {"a": [2, 3], "b": [4]}
    assert base.parameters == 10


def test_a_directory_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="The model directory is not there") as caught:
        ModelDirectory(tmp_path / "gone")

    assert int(caught.value.exit_code) == 3


def test_a_folder_without_config_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"holds no config\.json"):
        ModelDirectory(tmp_path)


def test_a_missing_shard_is_named(sharded: Path) -> None:
    (sharded / "model-00002-of-00002.safetensors").unlink()

    with pytest.raises(MissingError, match="A part of the model is missing") as caught:
        ModelDirectory(sharded)

    assert "lacks model-00002-of-00002.safetensors (1 of 2 files)" in caught.value.happened


def test_pickled_weights_are_named_and_not_opened(sharded: Path) -> None:
    for file in [*sharded.glob("*.safetensors"), sharded / INDEX]:
        file.unlink()
    (sharded / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'true'\ntR.")

    with pytest.raises(MissingError, match="no safetensors weights") as caught:
        ModelDirectory(sharded)

    assert "only pytorch_model.bin, which Temper does not open" in caught.value.happened


def test_a_base_that_is_already_quantised_is_refused(tmp_path: Path) -> None:
    folder = altered(TINY, tmp_path / "q", "config.json", quantization_config={"bits": 4})

    with pytest.raises(UsageError, match="already quantised") as caught:
        ModelDirectory(folder)

    assert "16-bit original" in caught.value.remedy


def test_a_model_without_tokenizer_json_is_refused(sharded: Path) -> None:
    (sharded / "tokenizer.json").unlink()

    with pytest.raises(MissingError, match=r"The model has no tokenizer\.json"):
        ModelDirectory(sharded)


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe{}", b"[1, 2]"])
def test_a_damaged_config_is_named(sharded: Path, content: bytes) -> None:
    (sharded / "config.json").write_bytes(content)

    with pytest.raises(UsageError, match=r"A model file is damaged: .*config\.json"):
        ModelDirectory(sharded)


@pytest.mark.parametrize("content", ["{}", '{"weight_map": {}}', '{"weight_map": [1]}'])
def test_an_index_that_names_no_file_is_damaged(sharded: Path, content: str) -> None:
    (sharded / INDEX).write_text(content)

    with pytest.raises(UsageError, match=f"A model file is damaged: .*{INDEX}"):
        ModelDirectory(sharded)


@pytest.mark.parametrize("content", [b"", b"\x08\0\0\0\0\0\0\0notjson!", b"<html>not found</html>"])
def test_damaged_weights_are_named(sharded: Path, content: bytes) -> None:
    (sharded / "model-00001-of-00002.safetensors").write_bytes(content)

    with pytest.raises(UsageError, match=r"A weights file is damaged: .*model-00001-of-00002"):
        ModelDirectory(sharded)


def test_weights_that_were_cut_off_are_noticed(sharded: Path) -> None:
    shard = sharded / "model-00001-of-00002.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1])

    with pytest.raises(UsageError, match="A weights file is damaged"):
        ModelDirectory(sharded)


def test_the_template_may_stand_in_a_file_or_under_a_name(sharded: Path) -> None:
    settings = sharded / "tokenizer_config.json"
    named = [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}]
    settings.write_text(json.dumps({"chat_template": named, "eos_token": {"content": "</s>"}}))
    base = ModelDirectory(sharded)

    assert base.chat_template == "D"
    assert base.special_token("eos_token") == "</s>"

    (sharded / "chat_template.jinja").write_text("F")

    assert base.chat_template == "F"


def test_the_fingerprint_is_that_of_the_content_not_of_the_place(sharded: Path, tmp_path: Path) -> None:
    print_before = ModelDirectory(sharded).fingerprint()
    copy = tmp_path / "copy"
    shutil.copytree(sharded, copy)

    assert ModelDirectory(copy).fingerprint() == print_before

    save_file({"b": np.ones((4,), np.float32)}, copy / "model-00002-of-00002.safetensors")

    assert ModelDirectory(copy).fingerprint() != print_before


def test_one_weights_file_needs_no_index(sharded: Path) -> None:
    (sharded / INDEX).unlink()
    (sharded / "model-00001-of-00002.safetensors").rename(sharded / SINGLE)

    assert ModelDirectory(sharded).shapes == {"a": [2, 3]}
