"""JSON files: a list of objects, an object around one such list, or a single object. Streamed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from engine.data.importers import Dropped, Record, bad_bytes
from engine.data.importers.strict_json import Decoder
from store.errors import TemperError, UsageError

CHUNK = 1 << 16
LONGEST = 1 << 26  # characters of one value
NEAR_END = 32  # a literal or escape cut by the end of a chunk errs at most this far before it


def read_json(
    text: TextIO, path: Path, is_row: Callable[[dict[str, Any]], bool]
) -> Iterator[Record | Dropped]:
    """The objects of a JSON file. `is_row` says whether an object at the top is a row itself, not a wrapper.

    Raises TemperError with the line where the file is damaged: what follows cannot be trusted.
    """
    scanner = Scanner(text, path)
    if not scanner.peek():
        return
    if scanner.peek() == "{":
        yield from _top_object(scanner, is_row)
    else:
        yield from _elements(scanner)
    if scanner.peek():
        raise scanner.damage("something follows the end of the document")


def _elements(scanner: Scanner) -> Iterator[Record | Dropped]:
    scanner.take("[")
    if scanner.peek() == "]":
        scanner.take("]")
        return
    while True:
        scanner.peek()
        line = scanner.line
        yield _item(line, *scanner.value())
        if scanner.peek() == "]":
            scanner.take("]")
            return
        scanner.take(",")


def _top_object(scanner: Scanner, is_row: Callable[[dict[str, Any]], bool]) -> Iterator[Record | Dropped]:
    # A wrapper ({"data": [...]}) is small around its list; a row is small altogether. So the keys before the
    # first list of objects are kept, and a list is only streamed once it is known not to belong to a row.
    scanner.peek()
    start = scanner.line
    scanner.take("{")
    kept: dict[str, Any] = {}
    lists: list[str] = []
    problem = ""
    while scanner.peek() != "}":
        key, wrong = scanner.value()
        if not isinstance(key, str):
            raise scanner.damage("a key is not text")
        scanner.take(":")
        opens_list = scanner.peek() == "["
        if opens_list and not lists and not is_row(kept | {key: [{}]}):
            lists.append(key)
            yield from _elements(scanner)
        else:
            value, wrong = scanner.value()
            if isinstance(value, list) and value and lists:
                raise UsageError(
                    "The JSON file holds more than one list",
                    f"{scanner.path}: {lists[0]!r} and {key!r}, and nothing says which is meant.",
                    "Save the list to import as a file of its own.",
                )
            problem = problem or wrong
            kept[key] = value
        if scanner.peek() != "}":
            scanner.take(",")
    scanner.take("}")
    if not lists:
        yield _item(start, kept, problem)


def _item(line: int, value: Any, problem: str) -> Record | Dropped:
    if problem:
        return Dropped(line, problem)
    if not isinstance(value, dict):
        return Dropped(line, f"not an object but a {type(value).__name__}")
    return Record(line, value)


class Scanner:
    """Walks through JSON text that is read in pieces. `line` is that of the current position."""

    def __init__(self, text: TextIO, path: Path) -> None:
        self._text = text
        self.path = path
        self._decoder = Decoder()
        self._buffer = ""
        self._at = 0
        self.line = 1

    def peek(self) -> str:
        """The next character that is not white space; empty at the end of the file."""
        while True:
            while self._at < len(self._buffer):
                letter = self._buffer[self._at]
                if letter not in " \t\r\n":
                    return letter
                self.line += letter == "\n"
                self._at += 1
            if not self._more(CHUNK):
                return ""

    def take(self, letter: str) -> None:
        """Step over `letter`, which must come next."""
        found = self.peek()
        if found != letter:
            raise self.damage(f"expected {letter!r}, found {found!r}" if found else "it breaks off")
        self._at += 1

    def value(self) -> tuple[Any, str]:
        """The next value, and what is doubtful about it (empty: nothing)."""
        if not self.peek():
            raise self.damage("it breaks off")
        size = CHUNK
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except RecursionError:
                raise self.damage("nested too deeply") from None
            except json.JSONDecodeError as error:
                # What looks wrong may only be cut off; pieces double, so that long values are scanned seldom.
                cut = error.msg.startswith("Unterminated") or error.pos >= len(self._buffer) - NEAR_END
                if cut and len(self._buffer) - self._at > LONGEST:
                    raise self.damage(
                        f"a value longer than {LONGEST >> 20} MiB; perhaps a quote or bracket is never closed"
                    ) from None
                if cut and self._more(size):
                    size *= 2
                    continue
                self.line += self._buffer.count("\n", self._at, error.pos)
                raise self.damage("it breaks off" if cut else error.msg) from error
            except ValueError as error:
                raise self.damage(str(error)) from error
            # A number may go on in the next piece, also where it was cut within "1.5" or "1e+5".
            unfinished = isinstance(value, int | float) and end >= len(self._buffer) - 2
            if unfinished and self._more(size):
                continue
            return self._passed(value, end)

    def damage(self, what: str) -> TemperError:
        """What a user is told of a file that is not JSON."""
        return TemperError(
            "The JSON file is damaged",
            f"{self.path}, line {self.line}: {what}.",
            "Mend it there. With one object per line, name it .jsonl: a bad line then costs only itself.",
        )

    def _passed(self, value: Any, end: int) -> tuple[Any, str]:
        raw = self._buffer[self._at : end]
        self.line += raw.count("\n")
        self._at = end
        byte = bad_bytes(raw)
        return value, f"not UTF-8: byte {byte}" if byte else self._decoder.problem

    def _more(self, size: int) -> bool:
        piece = self._text.read(size)
        self._buffer = self._buffer[self._at :] + piece
        self._at = 0
        return bool(piece)
