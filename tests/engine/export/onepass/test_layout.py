"""The layout of a GGUF file: read as it stands, written as it was read."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from engine.export.gguf_header import TYPES, read_header
from engine.export.onepass.layout import header, read_layout
from tests.ggufs import tiny_f32


def test_a_header_that_was_read_is_written_byte_for_byte() -> None:
    layout = read_layout(tiny_f32())
    assert header(layout.metadata, layout.slots) == tiny_f32().read_bytes()[: layout.data]


def test_tensors_are_those_that_the_other_reader_finds() -> None:
    found = [(slot.name, TYPES[slot.type], slot.shape) for slot in read_layout(tiny_f32()).slots]
    assert found == [(one.name, one.type, one.shape) for one in read_header(tiny_f32()).tensors]


@pytest.mark.parametrize("start", [b"GGML" + bytes(60), struct.pack("<4sIQQ", b"GGUF", 2, 0, 0) + bytes(40)])
def test_another_format_is_refused(start: bytes, tmp_path: Path) -> None:
    (tmp_path / "other.gguf").write_bytes(start)
    with pytest.raises(ValueError, match="version"):
        read_layout(tmp_path / "other.gguf")


def test_an_alignment_of_its_own_is_refused(tmp_path: Path) -> None:
    value = struct.pack("<II", 4, 64)
    (tmp_path / "other.gguf").write_bytes(header({b"general.alignment": value}, []))
    with pytest.raises(ValueError, match="alignment"):
        read_layout(tmp_path / "other.gguf")
