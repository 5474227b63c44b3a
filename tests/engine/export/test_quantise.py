"""Quantising with llama.cpp: smaller files, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.export.quantise import (
    IMPORTANCE_TYPES,
    QUANTISED,
    expected_bytes,
    fallbacks,
    parse_types,
    quantise,
)
from engine.inference.llama import Model
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from store.errors import TemperError, UsageError
from tests.ggufs import tiny_f32


@pytest.fixture(scope="module")
def q8(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return quantise(tiny_f32(), tmp_path_factory.mktemp("q") / "tiny-q8_0.gguf", "q8_0")


def test_eight_bits_are_about_as_large_as_estimated(q8: Path) -> None:
    # a model this small is a good part vocabulary and metadata, which the estimate leaves out
    weights = expected_bytes(ModelDirectory(builtin_directory("tiny")).parameters, "q8_0")
    assert weights < q8.stat().st_size < 1.5 * weights


@pytest.mark.parametrize("kind", [kind for kind in QUANTISED if kind not in IMPORTANCE_TYPES])
def test_every_type_can_be_made_and_loaded(kind: str, tmp_path: Path) -> None:
    file = quantise(tiny_f32(), tmp_path / f"{kind}.gguf", kind)
    model = Model(file)
    assert model.vocabulary_size == ModelDirectory(builtin_directory("tiny")).config["vocab_size"]
    model.close()
    assert file.stat().st_size < tiny_f32().stat().st_size / 2


def test_a_quantised_file_is_not_quantised_again(q8: Path, tmp_path: Path) -> None:
    with pytest.raises(TemperError, match="Quantising to q4_0 failed"):
        quantise(q8, tmp_path / "q4_0.gguf", "q4_0")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_refused_and_nothing_left(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(tiny_f32().read_bytes()[:-10_000])
    with pytest.raises(TemperError, match="Quantising to q8_0 failed"):
        quantise(damaged, tmp_path / "q8_0.gguf", "q8_0")
    assert list(tmp_path.iterdir()) == [damaged]


def test_what_advance_raises_comes_out_and_nothing_is_left(tmp_path: Path) -> None:
    def stop(written: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        quantise(tiny_f32(), tmp_path / "q8_0.gguf", "q8_0", stop)
    assert list(tmp_path.iterdir()) == []


def test_types_are_read_from_a_list() -> None:
    assert parse_types(" Q8_0, f16,q8_0 ,") == ["q8_0", "f16"]


@pytest.mark.parametrize("text", ["q9_9", "f16,nonsense", "", " , "])
def test_an_unknown_type_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(UsageError, match="q4_k_m"):
        parse_types(text)


def test_tensors_whose_rows_the_blocks_do_not_divide_are_named_with_what_they_got(tmp_path: Path) -> None:
    file = quantise(tiny_f32(), tmp_path / "q4.gguf", "q4_k_m")
    fell = {one.name: one.type for one in fallbacks(file, "q4_k_m")}
    assert fell["blk.0.attn_q.weight"] == "q5_0"  # its rows are 128 long, a block of q4_k 256
    assert all("norm" not in name for name in fell)
    assert fallbacks(quantise(tiny_f32(), tmp_path / "q8.gguf", "q8_0"), "q8_0") == []
    assert fallbacks(tiny_f32(), "f32") == []
