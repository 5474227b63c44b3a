"""Question files: YAML, JSONL or CSV, in one shape. Knows nothing of what the sources are.

    questions:                                             # or a suite's `cases` with `input`
      - question: How long does a refund take?
        expected: [refunds.md]                             # documents, or parts: refunds.md:120-240
      - question: When are you open?
        quotes: ["from nine to five"]                      # stands so in a document

JSONL has one of these per line. CSV has the columns `question` and `expected` (several with `;`), `quote`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from engine.data.importers import strict_json
from store import atomic
from store.errors import MissingError, UsageError
from store.hashing import sha256_of_text
from store.records.kb_check import Question

SUFFIXES = (".yaml", ".yml", ".jsonl", ".csv")
FOLDER = "retrieval"
"""The folder of evals/ with question files, one per knowledge base."""
ASKED = ("question", "input", "query")
SOURCES = ("expected", "expected_sources")
HEAD = """# Questions about the knowledge base {kb}, written by a model from its passages.
# Look at each: mend it, or remove it; then set `unreviewed: false`. Figures say how many are unreviewed.
"""


def find_questions(evals: Path, kb: str, asked: Path | None) -> Path:
    """The file `asked`, or the knowledge base's own. Raises MissingError with what to do."""
    if asked is not None:
        if asked.is_file():
            return asked.resolve()
        raise MissingError("No such question file", f"{asked} is no file.", "Check the path.")
    for suffix in SUFFIXES:
        path = evals / FOLDER / f"{kb}{suffix}"
        if path.is_file():
            return path
    raise MissingError(
        f"There are no questions about {kb!r} yet",
        f"evals/{FOLDER}/ has no {kb}.yaml, .jsonl or .csv.",
        "Write one, each entry with `question` and `expected` (documents), or let a model propose some:\n"
        f"temper kb check --kb {kb} --generate 30",
    )


def read_questions(path: Path) -> list[Question]:
    """The questions of a file, each with an id. Raises UsageError that names the line or entry."""
    rows = _rows(path)
    questions = [_question(path, number, row) for number, row in rows]
    if not questions:
        raise UsageError(
            "There is no question to ask",
            f"{path} holds none.",
            "Write one: `question` and `expected`, a document that should be found.",
        )
    return questions


def identity(questions: Iterable[Question]) -> str:
    """A hash of what is asked and expected; whether it was reviewed is no part of it."""
    parts = [[one.question, one.expected, one.quotes] for one in questions]
    return sha256_of_text(msgspec.json.encode(parts).decode())[:16]


def need_new(path: Path) -> None:
    """Raise UsageError where there is a file: somebody may have worked on it."""
    if path.exists():
        raise UsageError(
            "The question file is there already",
            f"{path} may hold reviewed questions, so it is left alone.",
            "Name another with --out FILE, and join the two by hand.",
        )


def write_questions(path: Path, kb: str, questions: Iterable[Question]) -> None:
    """Write a file to review. Raises UsageError where there is one."""
    import yaml

    need_new(path)
    rows = [msgspec.to_builtins(one) | {"unreviewed": one.unreviewed} for one in questions]
    text = yaml.safe_dump({"questions": rows}, allow_unicode=True, sort_keys=False, width=100)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(path, HEAD.format(kb=kb) + text)


def _rows(path: Path) -> list[tuple[str, Any]]:
    """What the file holds, each entry with where it stands."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise MissingError("No such question file", f"{path} is not there.", "Check the path.") from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from error
    if path.suffix == ".jsonl":
        return _json_lines(path, text)
    if path.suffix == ".csv":
        lines = csv.DictReader(io.StringIO(text))
        try:
            return [(f"line {lines.line_num}", _of_csv(row)) for row in lines]
        except csv.Error as error:
            raise _unreadable(path, f"line {lines.line_num}: {error}") from error
    return [(f"question {number}", row) for number, row in enumerate(_yaml(path, text), 1)]


def _json_lines(path: Path, text: str) -> list[tuple[str, Any]]:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                rows.append((f"line {number}", strict_json.decode(line)))
            except ValueError as error:
                raise _unreadable(path, f"line {number}: {error}") from error
    return rows


def _yaml(path: Path, text: str) -> list[Any]:
    import yaml

    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(
            "The question file is not YAML",
            f"{path}: {error}",
            "Mend it there; between braces, put texts with ? or : in quotation marks.",
        ) from error
    if isinstance(found, dict):
        found = found.get("questions", found.get("cases"))
    if found is None:
        return []
    if not isinstance(found, list):
        raise _unreadable(path, "it holds no list of `questions`")
    return found


def _of_csv(row: dict[str, str | None]) -> dict[str, Any]:
    """A line with several sources in one cell, its quote as a list, and empty cells left out."""
    kept: dict[str, Any] = {key: value for key, value in row.items() if key and value}
    for key in SOURCES:
        if key in kept:
            kept[key] = [part.strip() for part in kept[key].split(";") if part.strip()]
    if "quote" in kept:
        kept["quotes"] = [kept.pop("quote")]
    return kept


def _question(path: Path, number: str, row: Any) -> Question:
    """An entry as a question. Whatever else it says of itself is not looked at."""
    if not isinstance(row, dict):
        raise _unreadable(path, f"{number} is no table with `question` and `expected`")
    asked = next((row[key] for key in ASKED if row.get(key)), "")
    if not isinstance(asked, str) or not asked.strip():
        raise _unreadable(path, f"{number} has no `question`")
    return Question(
        asked.strip(),
        _texts(path, number, row, next((key for key in SOURCES if key in row), "expected")),
        _texts(path, number, row, "quotes"),
        str(row.get("id") or number),
        row.get("unreviewed") in (True, "true", "True", "1", "yes"),
    )


def _texts(path: Path, number: str, row: dict[str, Any], key: str) -> list[str]:
    value = row.get(key) or []
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise _unreadable(path, f"{number}: `{key}` is no text and no list of texts")
    return values


def _unreadable(path: Path, why: str) -> UsageError:
    return UsageError(
        "The question file cannot be read",
        f"{path}: {why}",
        "Each entry has `question`, and `expected` (documents, or parts: refunds.md:120-240) or `quotes`.",
    )
