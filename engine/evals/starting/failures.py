"""A table of failures or complaints becomes cases; what of it does not is said, with its lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from engine.evals.adding import free_id
from engine.evals.starting.columns import CLASSES, INSTRUCTION, NAMES, columns_of
from engine.evals.starting.offering import columns_with_choices, offer
from engine.evals.table import Table, read_table
from engine.evals.triage.columns import words_of
from store.errors import UsageError
from store.records.evals import Case, Check, Origin

SLICES, MOST_VALUES, LETTERS = 3, 12, 40
"""So many columns become slices, of at most so many short values that come again."""
LINES = 10


class Failures(msgspec.Struct):
    """The cases of a table, and what a reader should know of the rows that became none."""

    cases: list[Case]
    notes: list[str] = []


def read_failures(path: Path, named: Mapping[str, str], encoding: str = "", header: bool = True) -> Failures:
    """A case per row that has a question. `named` says the column of a part where its name does not.

    A row without a right answer gets a check that the wrong one does not come again. Raises UsageError where
    no column holds questions, or no row has one; TemperError for a file that cannot be read.
    """
    table = read_table(path, encoding, header)
    choices = columns_with_choices([one for one in table.columns if one not in named.values()])
    where = columns_of([one for one in table.columns if one not in choices], named, path.name)
    sliced = _slices(table, {*where.values(), *choices})
    taken: set[str] = set()
    seen: dict[tuple[str, str | None, str], int] = {}
    cases: list[Case] = []
    empty, again, astray = [], [], []
    for line, row in table.rows:
        case = _case(path, line, row, where, sliced, choices)
        if case is None:
            empty.append(line)
            continue
        key = (case.input, case.expected, str(case.metadata.get("output", "")))
        if key in seen:
            again.append(line)
            continue
        seen[key] = line
        if offered := [row[name].strip() for name in choices if row[name].strip()]:
            astray += [line] if offer(case, offered) else []
        case.id = free_id(case.id, taken)
        taken.add(case.id)
        cases.append(case)
    if not cases:
        raise UsageError(
            "There are no failures", f"No row of {path.name} has a question.", "Fill that column."
        )
    notes = _notes(table, empty, again, cases)
    if astray:
        notes.append(f"{_rows(astray)} a right answer that is none of its choices.")
    return Failures(cases, [*notes, *_told(where)])


def _case(
    path: Path,
    line: int,
    row: dict[str, str],
    where: Mapping[str, str],
    sliced: Sequence[str],
    choices: Sequence[str],
) -> Case | None:
    part = {name: row.get(column, "").strip() for name, column in where.items()}
    if not part["input"]:
        return None
    known = {*where.values(), *sliced, *choices}
    asked = "\n\n".join(filter(None, (part.get(INSTRUCTION), part["input"])))
    case = Case(part.get("id") or f"row-{line}", asked)
    case.expected = part.get("expected") or None
    case.tags = [tag.strip() for tag in part.get("tag", "").split(",") if tag.strip()]
    case.expected_sources = [one.strip() for one in part.get("sources", "").split(";") if one.strip()]
    case.slices = {name: row[name].strip() for name in sliced if row[name].strip()}
    case.metadata = {
        name: value.strip() for name, value in row.items() if name not in known and value.strip()
    }
    if output := part.get("output"):
        case.metadata["output"] = output
        if case.expected is None:
            case.checks = [Check("contains", options={"value": output, "absent": True})]
    case.origin = Origin(kind="failure", source=path.name, line=line)
    return case


def _slices(table: Table, taken: set[str]) -> list[str]:
    """Columns with few short values that come again: language, product, channel."""
    found = []
    for column in table.columns:
        counts = Counter(value for _, row in table.rows if (value := row[column].strip()))
        closed = 2 <= len(counts) <= MOST_VALUES and len(counts) * 2 <= counts.total()
        if column and column not in taken and closed and max(map(len, counts)) <= LETTERS:
            found.append(column)
    return found[:SLICES]


def _notes(table: Table, empty: list[int], again: list[int], cases: Sequence[Case]) -> list[str]:
    notes = []
    if empty:
        notes.append(f"{_rows(empty)} no question: left out.")
    if again:
        notes.append(f"{_rows(again)} said before, word for word: left out.".replace("has", "was"))
    for reason, count in Counter(one.reason for one in table.dropped).items():
        lines = [one.line for one in table.dropped if one.reason == reason]
        notes.append(f"{count} row{'s' if count > 1 else ''} left out (line {_listed(lines)}): {reason}.")
    answers: dict[str, set[str]] = {}
    for case in cases:
        if case.expected is not None:
            answers.setdefault(case.input, set()).add(case.expected)
    several = sum(len(found) > 1 for found in answers.values())
    if several:
        notes.append(
            f"{several} question{'s have' if several > 1 else ' has'} several right answers in the table: no "
            "model can pass all of its cases. Put them together as `alternatives`, or settle which is right."
        )
    return notes


def _told(where: Mapping[str, str]) -> list[str]:
    """Which columns were taken as questions and answers, where a name alone does not settle it."""
    expected, output = where.get("expected"), where.get("output")
    if output is not None and expected is None:
        return [f"`{output}` is taken for wrong answers; if they are right ones: --map expected={output}"]
    if expected is not None and "_".join(words_of(expected)) not in (*NAMES["expected"], *CLASSES):
        return [f"`{expected}` is taken for the right answers; if it is not: --map expected=COLUMN"]
    return []


def _rows(lines: list[int]) -> str:
    return f"{len(lines)} row{'s' if len(lines) > 1 else ''} (line {_listed(lines)}) has"


def _listed(lines: list[int]) -> str:
    more = len(lines) - LINES
    return ", ".join(map(str, lines[:LINES])) + (f" and {more} more" if more > 0 else "")
