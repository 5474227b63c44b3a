"""GGUF headers: read as llama.cpp reads them; anything else is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.export.gguf_header import read_header
from engine.inference.llama import Model
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from store.errors import MissingError, UsageError
from tests.ggufs import tiny_f32

pytestmark = pytest.mark.training


def test_metadata_and_tensors_are_those_of_the_file() -> None:
    header = read_header(tiny_f32())
    model = Model(tiny_f32(), vocabulary_only=True)
    assert header.metadata["tokenizer.chat_template"] == model.chat_template
    assert len(header.metadata["tokenizer.ggml.tokens"]) == model.vocabulary_size
    model.close()
    config = ModelDirectory(builtin_directory("tiny")).config
    by_name = {one.name: one for one in header.tensors}
    assert by_name["token_embd.weight"].shape == (config["hidden_size"], config["vocab_size"])
    assert by_name["blk.0.attn_q.weight"].type == "f32"


@pytest.mark.parametrize(
    "content", [b"", b"GGUF", b"GGUF" + b"\x03\0\0\0" + b"\x09" * 40, b"PK\x03\x04" * 10]
)
def test_what_is_no_gguf_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.gguf"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="not a GGUF file"):
        read_header(file)


def test_a_file_that_is_not_there_is_missed(tmp_path: Path) -> None:
    with pytest.raises(MissingError):
        read_header(tmp_path / "x.gguf")
