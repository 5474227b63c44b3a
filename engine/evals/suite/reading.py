"""A suite's file as plain values: YAML, or JSONL with a case per line. Knows nothing of what they mean.

In JSONL the first line may be the suite's own (`name`, `checks` and so on, without an `id`); the name is the
file's otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from engine.data.importers import strict_json
from engine.evals.suite.texts import is_text, is_writable, settled
from engine.evals.suite.yaml_text import read_yaml
from store.errors import MissingError, UsageError

_PART = re.compile(r"\.?(\w+)(?:\[(\d+)\])?")


class Raw(msgspec.Struct):
    """What a suite's file holds; `line` says on which line (from 1) the part is that keys lead to."""

    value: Any
    line: Callable[[list[str | int]], int]

    def line_of(self, problem: str) -> int:
        """The line of a problem, which begins with its place: `cases[3] (c4).checks[0].kind: ...`."""
        keys: list[str | int] = []
        rest = problem
        while found := _PART.match(rest):
            keys += [found[1]] if found[2] is None else [found[1], int(found[2])]
            rest = rest[found.end() :].removeprefix(f" ({self._id(keys)})")
        return self.line(keys)

    def _id(self, keys: list[str | int]) -> Any:
        value = self.value
        for key in keys:
            there = isinstance(value, list) if isinstance(key, int) else isinstance(value, dict)
            if not there or (isinstance(key, int) and key >= len(value)):
                return None
            value = value[key] if isinstance(key, int) else value.get(key)
        return value.get("id") if isinstance(value, dict) else None


def read_raw(path: Path) -> Raw:
    """What the file holds. Raises MissingError without it, UsageError with the line that cannot be read."""
    what = "JSONL" if path.suffix == ".jsonl" else "YAML"
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return _lines(text, path) if what == "JSONL" else _yaml(text)
    except FileNotFoundError:
        raise MissingError("No such suite", f"{path} is not there.", "Check the path.") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UsageError(
            "The suite is not UTF-8",
            f"{path}, line {line}: byte {error.object[error.start]:#04x} is no UTF-8.",
            "Save the file as UTF-8.",
        ) from error
    except ValueError as error:
        raise UsageError(f"The suite is not {what}", f"{path}, {error}.", "Mend it there.") from error
    except OSError as error:
        raise UsageError(
            "The suite cannot be read", f"{path}: {error.strerror}.", "Name a YAML file."
        ) from error


def _yaml(text: str) -> Raw:
    read = read_yaml(text, is_text)
    return Raw(settled(read.value), read.line)


def _lines(text: str, path: Path) -> Raw:
    head: dict[str, Any] = {}
    cases: list[Any] = []
    places: list[int] = []
    # Not splitlines(): a JSON text may hold U+2028, which ends no line of a file.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = strict_json.decode(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        if not is_writable(value):
            raise ValueError(f"line {number}: a \\u escape is half a character, which no text can hold")
        if not cases and not head and isinstance(value, dict) and "id" not in value and "name" in value:
            head = value
        else:
            cases.append(settled(value))
            places.append(number)

    def line_at(keys: list[str | int]) -> int:
        at = keys[1] if len(keys) > 1 and keys[0] == "cases" else None
        return places[at] if isinstance(at, int) and at < len(places) else 1

    value = {"name": path.stem, **settled(head), "cases": cases or head.get("cases", [])}
    return Raw(value, line_at)
