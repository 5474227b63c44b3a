"""A file as a stream of bytes or text: opened, unpacked where it is gzip, decoded, never held whole.

Nothing but regular files is opened: a pipe would wait for ever, and every source is read twice (hashed, then
imported). Does not know formats.
"""

from __future__ import annotations

import codecs
import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from store.errors import MissingError, TemperError, UsageError

SAMPLE = 1 << 16
GZIP = b"\x1f\x8b"
# UTF-32's little-endian mark begins with UTF-16's, so it is asked first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Which of four bytes are mostly zero where a text of mostly Latin letters lacks its mark.
_UNMARKED = {
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
}


def regular_file(path: Path) -> os.stat_result:
    """What the system says of a file. Raises MissingError, UsageError for pipes and devices, TemperError."""
    try:
        found = path.stat()
    except FileNotFoundError:
        link = " It is a link to something that is gone." if path.is_symlink() else ""
        raise MissingError(
            "The file is not there", f"{path} does not exist.{link}", "Check the path."
        ) from None
    except OSError as error:
        raise unreadable(path, error) from error
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(
            "Only files and folders can be imported",
            f"{path} is {'a folder' if stat.S_ISDIR(found.st_mode) else 'a pipe, a socket or a device'}.",
            "Save what comes out of it as a file first: every source is read twice.",
        )
    return found


def first_bytes(path: Path) -> tuple[bytes, bool]:
    """The first 64 KiB of a file, unpacked, and whether it is gzip. Raises TemperError."""
    with opened(path) as (raw, stream):
        start = stream.read(SAMPLE)
        return start, stream is not raw


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The file as it lies on the disk, whose `tell` is progress, and its bytes unpacked."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(len(GZIP)) == GZIP
            raw.seek(0)
            if not packed:
                yield raw, raw
                return
            with gzip.open(raw) as stream:
                yield raw, cast(BinaryIO, stream)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise TemperError(
            "The compressed file is damaged",
            f"{path}: {error}.",
            "Copy or download it again. Nothing was imported.",
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error


@contextmanager
def decoded(stream: BinaryIO, path: Path, encoding: str, newline: str | None) -> Iterator[TextIO]:
    """`stream` as text; bytes that are not UTF-8 become U+DC80 to U+DCFF. Raises TemperError for others."""
    errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
    # Detached, not closed: a wrapper left to the garbage collector would close a stream that is not its own.
    text = io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline=newline)
    try:
        yield text
    except UnicodeError as error:
        raise TemperError(
            f"The file is not {encoding}",
            f"{path}: {getattr(error, 'reason', error)}.",
            "Say its encoding with --encoding, or save it again as UTF-8.",
        ) from error
    finally:
        text.detach()


def find_encoding(start: bytes, asked: str, path: Path) -> str:
    """The encoding of a file that begins with `start`: as asked, by its mark, else UTF-8."""
    if asked:
        return _checked(asked)
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    columns = [start[offset::4] for offset in range(4)]
    zeros = tuple(column.count(0) * 2 > len(column) for column in columns)
    if zeros in _UNMARKED:
        raise UsageError(
            "The file does not look like UTF-8",
            f"{path}: every other byte is zero, as in UTF-16 or UTF-32 without a mark at the beginning.",
            f"Say its encoding, perhaps: --encoding {_UNMARKED[zeros]}",
        )
    return "utf-8"


def unreadable(path: Path, error: OSError) -> TemperError:
    """What a user is told when the operating system refuses a file."""
    return TemperError(
        "The file cannot be read", f"{path}: {error.strerror or error}.", "Check its permissions."
    )


def _checked(asked: str) -> str:
    try:
        "".encode(asked)
        name = codecs.lookup(asked).name
    except (LookupError, ValueError):
        raise UsageError(
            "No such encoding",
            f"Python writes no text in {asked!r}.",
            "Common ones: utf-8, cp1252, utf-16, gb18030.",
        ) from None
    return "utf-8-sig" if name == "utf-8" else name
