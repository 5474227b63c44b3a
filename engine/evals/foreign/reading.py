"""Which tool's file this is, and the suite in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.data.importers import strict_json
from engine.evals.foreign.files import CODE, YAML, json_lines, read_text, read_value
from engine.evals.foreign.imported import Imported
from engine.evals.foreign.promptfoo.config import are_tests, from_config, from_tests
from engine.evals.foreign.promptfoo.rows import EXPECTED, test_of_row
from engine.evals.foreign.registry import from_registry, is_registry
from engine.evals.foreign.samples import are_samples, from_samples
from engine.evals.table import SUFFIXES, read_table
from store.errors import UsageError
from store.records.evals import Check

_TAKE = (
    "Take a promptfoo configuration or its tests (YAML, JSON, JSONL, CSV with __expected), or rows "
    "of `input` and `ideal` or `target`. Questions and answers in a CSV: temper eval new SUITE --from FILE"
)


def read_foreign(path: Path, check: Check | None = None) -> Imported:
    """The suite in a file of another tool. Raises MissingError or UsageError.

    `check` is asked of samples, in whose file no scorer stands; without one it is chosen from the answers.
    """
    imported = _table(path, check) if path.suffix in SUFFIXES else _file(path, check)
    suite = imported.suite
    for case in imported.cases:
        if not (case.checks or suite.checks):
            imported.leave("nothing would check it: left out", case.id)
    kept = [case for case in imported.cases if case.checks or suite.checks]
    if not kept:
        raise UsageError(
            "There is nothing to take over",
            "\n".join(
                [f"{path.name} holds no case that could be checked here.", *map(str, imported.left[:20])]
            ),
            _TAKE,
        )
    suite.cases = kept
    return imported


def _file(path: Path, check: Check | None) -> Imported:
    if path.suffix in CODE:
        raise UsageError(
            "This file is code, which is not run",
            f"{path.name} makes its suite when it runs.",
            "Write what it makes as YAML or JSON, and take that.",
        )
    if path.suffix == ".jsonl" or (path.suffix != ".json" and path.suffix not in YAML):
        return _rows(list(json_lines(read_text(path), path)), path, check)
    raw = _value(path)
    if isinstance(raw, list):
        return _rows(list(enumerate(raw, start=1)), path, check)
    if is_registry(raw):
        return from_registry(raw, path)
    if isinstance(raw, dict) and ("tests" in raw or "scenarios" in raw):
        return from_config(raw, path)
    if isinstance(raw, dict) and are_samples([raw]):
        return _rows([(1, raw)], path, check)
    if isinstance(raw, dict) and {"name", "cases"} <= raw.keys():
        raise UsageError(
            "This is a suite of Temper already", f"{path.name} has `cases`.", f"Run it: temper eval {path}"
        )
    keys = f"it has {', '.join(map(str, list(raw)[:8]))}" if isinstance(raw, dict) else "it is empty"
    raise UsageError("This is no suite of another tool", f"{path.name}: {keys or 'it is empty'}.", _TAKE)


def _value(path: Path) -> Any:
    """What the file holds; rows, too, where a file called .json has one a line."""
    try:
        return read_value(path)
    except UsageError:
        text = read_text(path)
        if path.suffix != ".json" or not text.lstrip().startswith("{"):
            raise
        try:
            return [value for _, value in json_lines(text, path)]
        except UsageError:
            pass
        raise


def _rows(rows: list[tuple[int, Any]], path: Path, check: Check | None) -> Imported:
    values = [row for _, row in rows]
    if are_tests(values):
        return from_tests(values, path)
    if are_samples(values):
        return from_samples(rows, path, check)
    first = values[0] if values else None
    keys = "it holds no rows" if not values else f"its rows are no objects, as {first!r:.60}"
    if isinstance(first, dict):
        keys = f"rows have {', '.join(map(str, first))}"
    raise UsageError("No line is a case", f"{path.name}: {keys}, and no `input`.", _TAKE)


def _table(path: Path, check: Check | None) -> Imported:
    table = read_table(path)
    if any(column.startswith(EXPECTED) for column in table.columns):
        imported = from_tests([test_of_row(row) for _, row in table.rows], path)
    elif "input" in table.columns and {"target", "ideal"} & set(table.columns):
        rows: list[tuple[int, Any]] = [(line, _json_input(row)) for line, row in table.rows]
        imported = from_samples(rows, path, check)
    else:
        columns = ", ".join(table.columns) or "none"
        raise UsageError("This is no suite of another tool", f"{path.name} has the columns {columns}.", _TAKE)
    for one in table.dropped:
        imported.leave(f"no case: {one.reason}", f"line-{one.line}")
    return imported


def _json_input(row: dict[str, str]) -> dict[str, Any]:
    """Inspect writes conversations into a table as JSON."""
    row = {key: value for key, value in row.items() if value != "" or key == "input"}
    if row.get("input", "").lstrip().startswith("["):
        try:
            return {**row, "input": strict_json.decode(row["input"])}
        except ValueError:
            pass
    return dict(row)
