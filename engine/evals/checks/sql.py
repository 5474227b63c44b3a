"""The check `sql`: a query gives the rows that the right query gives, on tables that the suite brings.

Both run in a database in memory that sees no file, loads nothing and is stopped when it takes too long.
"""

from __future__ import annotations

import math
import re
import threading
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from engine.evals.checks.contract import Bench, CheckError, Judge, Kind, Reply, Verdict, wanted
from engine.evals.checks.values import as_written

ROWS = 100_000
MEMORY = "512MB"
MATCHED = 300
"""Rows that are alike but for their numbers: so many are compared each with each."""
_FENCE = re.compile(r"```(?:sql|duckdb)?\s*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_BEGUN = re.compile(r"^\s*(?:select|with)\b", re.IGNORECASE | re.MULTILINE)
_NOT_CODE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_SHUT_IN: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "max_temp_directory_size": "0MB",
    "memory_limit": MEMORY,
    "threads": "1",
}


class SqlOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`setup` makes the tables: SQL for DuckDB, or a .sql file. `value` stands in for the expected query.

    Rows are compared in any order, unless `ordered` or the right query orders them at its end; names of
    columns do not count. Numbers may differ by `tolerance`, floats by this share of them too.
    """

    setup: str = ""
    value: str | None = None
    ordered: bool | None = None
    tolerance: float = 1e-6
    seconds: float = 5.0


Row = tuple[Any, ...]


class _Failed(Exception):
    """A statement failed, or took too long."""


def sql(options: SqlOptions, bench: Bench) -> Judge:
    """The answer's query, alone or in a fence, gives the rows of the right one. It may not change the tables
    unless the right one does.
    """
    for name, value in (("tolerance", options.tolerance), ("seconds", options.seconds)):
        if not 0 <= value < math.inf or (name == "seconds" and not value):
            raise ValueError(
                f"sql: `{name}` is {value}; it must be {'above 0' if name == 'seconds' else '0 or more'}"
            )
    setup = options.setup
    if setup.endswith(".sql"):
        setup = bench.find(setup).read_text(encoding="utf-8-sig")
    if why := _setup_problem(setup, options.seconds):
        raise ValueError(f"sql: `setup` fails: {why}")

    def judge(reply: Reply) -> Verdict:
        right = wanted(options.value, reply)
        try:
            expected = [rows_of(setup, query, options.seconds) for query in right]
        except _Failed as error:
            raise CheckError(f"the expected query fails: {error}") from error
        query = query_in(reply.text)
        try:
            if (change := _change(query)) and not any(_change(one) for one in right):
                return Verdict(0.0, f"is no query: it has {change}")
            found = rows_of(setup, query, options.seconds)
        except _Failed as error:
            return Verdict(0.0, str(error))
        for one, rows in zip(right, expected, strict=True):
            if same_rows(found, rows, _is_ordered(one, options.ordered), options.tolerance):
                return Verdict(1.0)
        if len(found) != len(expected[0]):
            return Verdict(0.0, f"{len(found)} rows, not the {len(expected[0])} expected ones")
        return Verdict(0.0, f"as many rows as expected ({len(found)}), but other ones")

    return judge


def query_in(text: str) -> str:
    """The query of an answer: what stands in its first fence; else all from a line that begins with SELECT or
    WITH; else all of it.
    """
    if fenced := _FENCE.search(text):
        return fenced.group(1).strip()
    begun = _BEGUN.search(text)
    return text[begun.start() if begun else 0 :].strip()


def rows_of(setup: str, query: str, seconds: float) -> list[Row]:
    """The rows of the last statement of `query` in a new database. Raises _Failed with the reason."""
    import duckdb

    connection = duckdb.connect(":memory:", config=_SHUT_IN)
    over = threading.Event()

    def stop() -> None:
        # Asked again until it ends: an interruption between two statements is not seen by the next.
        while not over.wait(0.01):
            connection.interrupt()

    timer = threading.Timer(seconds, stop)
    try:
        connection.execute("SET lock_configuration=true")
        timer.start()
        if setup.strip():
            connection.execute(setup)
        asked = connection.execute(query)
        if asked is None:
            raise _Failed("there is no statement in it")
        rows = asked.fetchmany(ROWS + 1)
    except duckdb.InterruptException as error:
        raise _Failed(f"did not finish within {seconds:g} s") from error
    except duckdb.Error as error:
        raise _Failed(str(error).splitlines()[0]) from error
    finally:
        over.set()
        timer.cancel()
        if timer.is_alive():
            timer.join()
        connection.close()
    if len(rows) > ROWS:
        raise _Failed(f"more than {ROWS:,} rows")
    return rows


@lru_cache(maxsize=1024)
def _setup_problem(setup: str, seconds: float) -> str:
    """Why tables cannot be made; "" where they can. Remembered: a suite's checks are built more than once."""
    try:
        rows_of(setup, "SELECT 1", seconds)
    except _Failed as error:
        return str(error)
    return ""


def _change(query: str) -> str:
    """The first kind of statement that is no query; "" without any. Raises _Failed for what is no SQL."""
    import duckdb

    try:
        with duckdb.connect(":memory:", config=_SHUT_IN) as connection:
            kinds = [statement.type.name for statement in connection.extract_statements(query)]
    except duckdb.Error as error:
        raise _Failed(str(error).splitlines()[0]) from error
    return next((kind for kind in kinds if kind not in ("SELECT", "EXPLAIN")), "")


def same_rows(found: Sequence[Row], right: Sequence[Row], ordered: bool, tolerance: float) -> bool:
    """Whether two results hold the same rows, in the same order if `ordered`; duplicates count."""
    if len(found) != len(right) or (right and len(found[0]) != len(right[0])):
        return False
    if ordered:
        return all(_same(one, other, tolerance) for one, other in zip(found, right, strict=True))
    groups = _by_texts(found), _by_texts(right)
    return groups[0].keys() == groups[1].keys() and all(
        _matched(rows, groups[1][key], tolerance) for key, rows in groups[0].items()
    )


def _by_texts(rows: Sequence[Row]) -> dict[Row, list[Row]]:
    """Rows that are alike but for their numbers."""
    groups: dict[Row, list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(0 if _is_number(cell) else _hashable(cell) for cell in row)].append(row)
    return groups


def _matched(found: list[Row], right: list[Row], tolerance: float) -> bool:
    """Whether each row of one list can be paired with one of the other."""
    if len(found) != len(right):
        return False
    one, other = (sorted(rows, key=_numbers) for rows in (found, right))
    if all(_same(a, b, tolerance) for a, b in zip(one, other, strict=True)):
        return True
    if len(one) > MATCHED:
        return False
    for row in one:
        at = next((at for at, candidate in enumerate(other) if _same(row, candidate, tolerance)), None)
        if at is None:
            return False
        del other[at]
    return True


def _numbers(row: Row) -> list[float]:
    return [float(cell) for cell in row if _is_number(cell)]


def _same(found: Row, right: Row, tolerance: float) -> bool:
    return len(found) == len(right) and all(
        _near(one, other, tolerance)
        if _is_number(one) and _is_number(other)
        else _hashable(one) == _hashable(other)
        for one, other in zip(found, right, strict=True)
    )


def _near(one: float | Decimal, other: float | Decimal, tolerance: float) -> bool:
    """Whole numbers and decimals are compared exactly but for the tolerance; floats grow less sure."""
    margin = as_written(tolerance)
    a, b = as_written(one), as_written(other)
    if isinstance(one, float) or isinstance(other, float):
        margin = max(margin, margin * abs(b))
    return abs(a - b) <= margin


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float | Decimal) and not isinstance(cell, bool) and math.isfinite(cell)


def _hashable(cell: Any) -> Any:
    """A cell as something that can be counted; true is not 1."""
    if isinstance(cell, bool):
        return ("bool", cell)
    return repr(cell) if isinstance(cell, list | dict | float | bytearray) else cell


def _is_ordered(query: str, ordered: bool | None) -> bool:
    """Whether the order of rows counts: as told, else where the query itself, and no part of it, has one."""
    if ordered is not None:
        return ordered
    bare, before = _NOT_CODE.sub(" ", query), ""
    while bare != before:
        before, bare = bare, re.sub(r"\([^()]*\)", " ", bare)
    return bool(re.search(r"\border\s+by\b", bare, re.IGNORECASE))


KINDS = (Kind("sql", "a query gives the right rows", SqlOptions, sql, expects="expected"),)
