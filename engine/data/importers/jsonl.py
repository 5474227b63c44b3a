"""JSONL: one JSON object per line. A bad line costs that line only; one past all measure is never held."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, TextIO

from engine.data.importers import Dropped, Record, bad_bytes
from engine.data.importers.strict_json import Decoder

LONGEST = 1 << 26  # bytes, or characters of a stream of text
_STEP = 1 << 20


def read_jsonl(stream: BinaryIO | TextIO, end: str = "\n") -> Iterator[Record | Dropped]:
    """The objects of UTF-8 bytes, or of text whose lines end with `end`. Blank lines are no rows."""
    decoder = Decoder()
    for number, line in lines_of(stream, end):
        if line is None:
            yield Dropped(number, f"longer than {LONGEST >> 20} MiB")
            continue
        text, byte = _decoded(line)
        if byte:
            yield Dropped(number, f"not UTF-8: byte {byte}")
            continue
        text = text.removeprefix("\ufeff")  # joined exports have a mark before each part
        if not text or text.isspace():
            continue
        try:
            value = decoder.decode(text)
        except ValueError as error:
            yield Dropped(number, str(error))
            continue
        if isinstance(value, dict):
            yield Record(number, value)
        else:
            yield Dropped(number, f"not an object but a {type(value).__name__}")


def lines_of(stream: BinaryIO | TextIO, end: str) -> Iterator[tuple[int, bytes | str | None]]:
    """Lines with their numbers; None for one longer than LONGEST, which is passed over in pieces."""
    number = 0
    ends = (end, end.encode())
    while line := stream.readline(LONGEST + 1):
        number += 1
        if len(line) <= LONGEST:
            yield number, line
            continue
        while line and line[-1:] not in ends:
            line = stream.readline(_STEP)
        yield number, None


def ends_with_cr(stream: BinaryIO | TextIO) -> bool:
    """Whether lines end with a carriage return alone, as on old Macs. Of UTF-8 bytes or text."""
    while piece := stream.read(_STEP):
        lf, cr = (b"\n", b"\r") if isinstance(piece, bytes) else ("\n", "\r")
        if lf in piece or cr in piece:  # type: ignore[operator]  # of one type with the piece
            return lf not in piece and not (piece[-1:] == cr and stream.read(1) == lf)  # type: ignore[operator]  # likewise
    return False


def _decoded(line: bytes | str) -> tuple[str, str]:
    """A line as text, and the first byte in it that is none."""
    if isinstance(line, str):
        return line, "" if line.isascii() else bad_bytes(line)
    try:
        return line.decode(), ""
    except UnicodeDecodeError as error:
        return "", f"0x{line[error.start]:02X}"
