"""Safetensors in row blocks: what the format's own library reads and writes, and damage that is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.export import tensor_file
from engine.export.tensor_file import TensorReader, TensorWriter, row_blocks
from store.errors import MissingError, UsageError

TENSORS = {
    "matrix": torch.arange(35, dtype=torch.float32).view(7, 5),
    "half": torch.arange(12, dtype=torch.float32).view(4, 3).bfloat16(),
    "vector": torch.arange(9, dtype=torch.float16),
    "number": torch.tensor(3.5),
    "stack": torch.arange(24, dtype=torch.float32).view(2, 3, 4),
    "ids": torch.arange(10),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_file(TENSORS, tmp_path / "a.safetensors", metadata={"format": "pt"})
    return tmp_path / "a.safetensors"


def copied(file: Path, out: Path) -> Path:
    with TensorReader(file) as reader:
        writer = TensorWriter(out, list(reader.specs.values()), reader.metadata)
        for name, spec in reader.specs.items():
            for start, stop in row_blocks(spec.rows, spec.width):
                writer.write(reader.rows(name, start, stop))
        writer.close()
    return out


def test_tensors_are_read_as_the_library_reads_them(file: Path) -> None:
    with TensorReader(file) as reader:
        for name, tensor in TENSORS.items():
            if name != "ids":
                assert torch.equal(reader.whole(name), tensor), name
        assert torch.equal(reader.rows("matrix", 2, 4), TENSORS["matrix"][2:4])
        assert torch.equal(reader.rows("stack", 1, 5), TENSORS["stack"].view(6, 4)[1:5])
        assert torch.equal(reader.rows("ids", 3, 5).view(torch.int64), TENSORS["ids"][3:5])


@pytest.mark.parametrize("block_bytes", [1, 40, 1 << 20])
def test_a_copy_in_blocks_of_any_size_is_the_same_file(
    block_bytes: int, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensor_file, "BLOCK_BYTES", block_bytes)
    found = load_file(copied(file, tmp_path / "b.safetensors"))
    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in TENSORS.items())
    assert (tmp_path / "b.safetensors").read_bytes() == file.read_bytes()


def test_blocks_cover_all_rows_once_and_are_no_larger_than_said() -> None:
    blocks = list(row_blocks(128_256, 4096))
    assert [start for start, _ in blocks] == [0, *(stop for _, stop in blocks[:-1])]
    assert blocks[-1][1] == 128_256
    assert max(stop - start for start, stop in blocks) * 4096 * 4 <= tensor_file.BLOCK_BYTES
    assert all(start % 64 == 0 for start, _ in blocks)


@pytest.mark.parametrize("rows", [1, 15, 16, 31, 257, 1025])
@pytest.mark.parametrize("width", [1, 4096, 1 << 24])
def test_no_block_is_a_few_rows_unless_there_are_no_more(rows: int, width: int) -> None:
    blocks = list(row_blocks(rows, width))
    assert (blocks[0][0], blocks[-1][1]) == (0, rows)
    assert min(stop - start for start, stop in blocks) >= min(rows, 16)


def test_a_file_with_too_little_in_it_is_not_called_whole(tmp_path: Path, file: Path) -> None:
    with TensorReader(file) as reader:
        writer = TensorWriter(tmp_path / "b", list(reader.specs.values()), {})
        writer.write(reader.whole("matrix"))
        with pytest.raises(ValueError, match="bytes were written"):
            writer.close()


Damage = Callable[[dict[str, Any]], object]


def with_header(file: Path, change: Damage) -> None:
    """Change the header and keep the tensors."""
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["matrix"].update(shape=[7, 6]),
        lambda header: header["half"].update(dtype="F32"),
        lambda header: header.pop("vector"),
        lambda header: header["matrix"].update(data_offsets=[0, 4]),
        lambda header: header["matrix"].update(dtype="F3"),
        lambda header: header["matrix"].pop("shape"),
    ],
)
def test_a_header_that_does_not_fit_its_tensors_is_refused(change: Damage, file: Path) -> None:
    with_header(file, change)
    with pytest.raises(UsageError, match="weights file is damaged"):
        TensorReader(file)


@pytest.mark.parametrize("size", [0, 5, 40, -1])
def test_a_file_that_was_cut_is_refused(size: int, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(UsageError, match="weights file is damaged"):
        TensorReader(file)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="weights file is missing"):
        TensorReader(tmp_path / "none.safetensors")
