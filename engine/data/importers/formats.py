"""Which format a file has: its content decides first, its name second, and what the user says before both.

Many .json files hold one object per line, and some .txt files are tables. Does not read records.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from engine.data.importers.delimited import is_table
from store.errors import TemperError, UsageError

Format = Literal["jsonl", "json", "csv", "tsv", "parquet", "arrow", "text", "markdown"]
FORMATS: tuple[Format, ...] = ("jsonl", "json", "csv", "tsv", "parquet", "arrow", "text", "markdown")

SUFFIXES: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".arrows": "arrow",
    ".txt": "text",
    ".text": "text",
    ".rst": "text",
    ".md": "markdown",
    ".mdx": "markdown",
    ".markdown": "markdown",
}
ARROW_FILE = b"ARROW1"
ARROW_STREAM = b"\xff\xff\xff\xff"
_PARQUET = b"PAR1"
_TAR_AT = 257
_SAVE = "Save it as JSONL, CSV or Parquet."
# What else lies about under any name: its first bytes, what it is, what to do.
_OTHERS = (
    (b"PK\x03\x04", "a zip archive or an Office file", "Unpack it, or save the sheet as CSV."),
    (b"\xd0\xcf\x11\xe0", "an Office file of the old kind", "Save it as CSV or as text."),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "Unpack it first: zstd -d FILE"),
    (b"\xfd7zXZ\x00", "compressed with xz", "Unpack it first: unxz FILE"),
    (b"BZh91AY&SY", "compressed with bzip2", "Unpack it first: bunzip2 FILE"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it first."),
    (b"%PDF-", "a PDF", "Save its text as a .txt file."),
    (b"SQLite format 3\x00", "an SQLite database", _SAVE),
    (b"GGUF", "a GGUF model", "Add it with: temper models add"),
    (b"FEA1", "a Feather file of version 1", _SAVE),
    (b"ORC", "an ORC file", _SAVE),
    (b"Obj\x01", "an Avro file", _SAVE),
    (b"\x89HDF", "an HDF5 file", _SAVE),
    (b"\x80\x04\x95", "a Python pickle, which may run code when it is read", _SAVE),
    (b"\x80\x05\x95", "a Python pickle, which may run code when it is read", _SAVE),
)


def check_format(asked: str) -> None:
    """Raise UsageError where `asked` is neither empty nor a format."""
    if asked and asked not in FORMATS:
        raise UsageError(
            f"No format is called {asked!r}",
            f"Known: {', '.join(FORMATS)}.",
            "Choose one of them, or leave --format out.",
        )


def by_name(path: Path) -> Format | None:
    """The format that a name says, `.gz` apart; None where it says none."""
    name = path.name.lower().removesuffix(".gz")
    return SUFFIXES.get(Path(name).suffix)


def by_content(path: Path, start: bytes, asked: str) -> Format | None:
    """Parquet or Arrow, by the first bytes and by what was asked for; None for text of any format.

    Raises UsageError for files of other programs and TemperError where a table's file has lost its beginning.
    """
    named = asked or by_name(path) or ""
    if start.startswith(_PARQUET):
        found: Format | None = "parquet"
    elif start.startswith((ARROW_FILE, ARROW_STREAM)):
        found = "arrow"
    else:
        found = None
        _refuse_others(path, start)
    if found and asked and found != asked:
        raise UsageError(
            f"The file is not {asked}", f"{path} holds {found}.", f"Leave --format out, or say {found}."
        )
    if found is None and named in ("parquet", "arrow"):
        what = "is empty" if not start else f"does not begin like a {named.capitalize()} file"
        raise TemperError(
            f"The {named.capitalize()} file is damaged", f"{path} {what}.", "Copy or download it again."
        )
    return found


def of_text(path: Path, sample: str) -> Format:
    """The format of text that begins with `sample`."""
    named = by_name(path)
    first = sample.lstrip("\ufeff \t\r\n")
    if named in ("csv", "tsv", "markdown"):
        return named
    if named == "jsonl":
        return "json" if first.startswith("[") and not _line_is_value(first) else "jsonl"
    if named == "text":
        return _of_plain(sample, first)
    if first[:1] not in ("[", "{"):
        if named == "json":
            return "json"
        return "csv" if is_table(sample) or not first else "text"
    if first.startswith("["):
        return "json"
    return "jsonl" if _line_is_value(first) and _has_second_line(first) else "json"


def _of_plain(sample: str, first: str) -> Format:
    # Prose may begin with a bracket and hold commas; objects and even columns between tabs are no prose.
    if first.startswith("{") and _line_is_value(first):
        return "jsonl"
    if first.startswith("[") and first[1:].lstrip().startswith("{"):
        return "json"
    return "csv" if is_table(sample, "\t") else "text"


def _refuse_others(path: Path, start: bytes) -> None:
    tar = start[_TAR_AT : _TAR_AT + 5] == b"ustar"
    others = (*_OTHERS, (start, "a tar archive", "Unpack it first: tar -xf FILE")) if tar else _OTHERS
    for magic, what, remedy in others:
        if start.startswith(magic):
            raise UsageError("That kind of file cannot be imported", f"{path} is {what}.", remedy)


def _line_is_value(text: str) -> bool:
    """Whether the first line is a whole JSON value."""
    try:
        json.loads(text.replace("\r", "\n").partition("\n")[0])
    except (ValueError, RecursionError):
        return False
    return True


def _has_second_line(text: str) -> bool:
    return bool(text.replace("\r", "\n").partition("\n")[2].strip())
