"""A CSV of failures or complaints becomes cases. Columns are known by their names, or named by the user."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from store.errors import MissingError, UsageError
from store.records.evals import Case, Check, Origin

NAMES: dict[str, tuple[str, ...]] = {
    "input": ("input", "question", "prompt", "query", "message", "user", "request", "text"),
    "expected": ("expected", "reference", "correct", "ideal", "target", "correction", "answer", "gold"),
    "output": ("output", "actual", "response", "got", "wrong", "model_answer", "completion"),
    "id": ("id", "case", "ticket", "case_id"),
    "tag": ("tag", "tags", "category", "severity", "label"),
    "sources": ("sources", "source", "document", "documents", "expected_sources"),
}


def read_failures(path: Path, named: Mapping[str, str]) -> list[Case]:
    """A case per row that has an input. `named` says the column of a part where its name does not.

    A row without a right answer gets a check that the wrong one does not come again. Raises UsageError where
    no column holds inputs, or no row has one.
    """
    rows, columns = _rows(path)
    where = {part: _column(part, columns, named) for part in NAMES}
    if where["input"] is None:
        raise UsageError(
            "No column holds the questions",
            f"{path.name} has {', '.join(columns) or 'no columns'}.",
            "Name it: --map input=COLUMN",
        )
    cases: list[Case] = []
    seen: dict[str, int] = {}
    for line, row in rows:
        case = _case(path, line, row, where)
        if case is None:
            continue
        seen[case.id] = seen.get(case.id, 0) + 1
        if seen[case.id] > 1:
            case.id = f"{case.id}-{seen[case.id]}"
        cases.append(case)
    if not cases:
        raise UsageError(
            "There are no failures", f"No row of {path.name} has a question.", "Fill that column."
        )
    return cases


def _case(path: Path, line: int, row: dict[str, str], where: dict[str, str | None]) -> Case | None:
    part = {name: row.get(column or "", "").strip() for name, column in where.items()}
    if not part["input"]:
        return None
    known = set(where.values())
    case = Case(part["id"] or f"row-{line}", part["input"])
    case.expected = part["expected"] or None
    case.tags = [tag.strip() for tag in part["tag"].split(",") if tag.strip()]
    case.expected_sources = [one.strip() for one in part["sources"].split(";") if one.strip()]
    case.metadata = {
        name: value.strip() for name, value in row.items() if name not in known and value and value.strip()
    }
    if part["output"]:
        case.metadata["output"] = part["output"]
        if case.expected is None:
            case.checks = [Check("contains", options={"value": part["output"], "absent": True})]
    case.origin = Origin(kind="failure", source=path.name, line=line)
    return case


def _rows(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise MissingError("No such file", f"{path} is not there.", "Check the path.") from None
    except UnicodeDecodeError as error:
        raise UsageError("The file is not UTF-8", f"{path}: {error}.", "Save it as UTF-8.") from error
    head = text.partition("\n")[0]
    delimiter = max((",", ";", "\t"), key=head.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter, restkey="", restval="")
    try:
        columns = [name for name in reader.fieldnames or [] if name]
        rows = [(reader.line_num, {key: value for key, value in row.items() if key}) for row in reader]
    except csv.Error as error:
        raise UsageError("The file is not CSV", f"{path}: {error}.", "Mend it there.") from error
    return rows, columns


def _column(part: str, columns: list[str], named: Mapping[str, str]) -> str | None:
    if asked := named.get(part):
        if asked not in columns:
            raise UsageError(
                "No such column", f"{asked!r} is none of {', '.join(columns)}.", f"Mend --map {part}=COLUMN."
            )
        return asked
    by_name = {column.strip().casefold().replace(" ", "_"): column for column in columns}
    return next((by_name[name] for name in NAMES[part] if name in by_name), None)
