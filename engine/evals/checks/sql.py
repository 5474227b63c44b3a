"""The check `sql`: a query gives the rows that the right query gives, on tables that the suite brings.

Both run in a database in memory that sees no file, loads nothing and is stopped when it takes too long.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from engine.evals.checks.contract import Bench, CheckError, Judge, Kind, Reply, Verdict, wanted

if TYPE_CHECKING:
    pass

ROWS = 100_000
MEMORY = "512MB"
_FENCE = re.compile(r"```(?:sql)?\s*\n(.*?)```", re.DOTALL | re.IGNORECASE)
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
    """`setup` makes the tables: SQL, or a .sql file. `value` stands in for the expected query.

    Rows are compared in any order, unless `ordered` or the right query has an ORDER BY; names of columns do
    not count, numbers may differ by `tolerance`.
    """

    setup: str = ""
    value: str | None = None
    ordered: bool | None = None
    tolerance: float = 1e-6
    seconds: float = 5.0


class _Failed(Exception):
    """A statement failed, or took too long."""


def sql(options: SqlOptions, bench: Bench) -> Judge:
    """The answer's query, alone or in a fence, gives the rows of the right one."""
    setup = options.setup
    if setup.endswith(".sql"):
        setup = bench.find(setup).read_text(encoding="utf-8-sig")

    def judge(reply: Reply) -> Verdict:
        right = wanted(options.value, reply)
        try:
            expected = [rows_of(setup, query, options.seconds) for query in right]
        except _Failed as error:
            raise CheckError(f"the expected query fails: {error}") from error
        try:
            found = rows_of(setup, query_in(reply.text), options.seconds)
        except _Failed as error:
            return Verdict(0.0, str(error))
        for query, rows in zip(right, expected, strict=True):
            if same_rows(found, rows, _is_ordered(query, options.ordered), options.tolerance):
                return Verdict(1.0)
        return Verdict(0.0, f"{len(found)} rows, not the {len(expected[0])} expected ones")

    return judge


def query_in(text: str) -> str:
    """The query of an answer: what stands in its first fence, else all of it."""
    fenced = _FENCE.search(text)
    return (fenced.group(1) if fenced else text).strip()


def rows_of(setup: str, query: str, seconds: float) -> list[tuple[Any, ...]]:
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
        if setup.strip():
            connection.execute(setup)
        timer.start()
        rows = connection.execute(query).fetchmany(ROWS + 1)
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


def same_rows(
    found: list[tuple[Any, ...]], right: list[tuple[Any, ...]], ordered: bool, tolerance: float
) -> bool:
    """Whether two results hold the same rows, in the same order if `ordered`; duplicates count."""
    if len(found) != len(right) or (right and len(found[0]) != len(right[0])):
        return False
    one, other = (
        [tuple(_comparable(cell, tolerance) for cell in row) for row in rows] for rows in (found, right)
    )
    return one == other if ordered else Counter(one) == Counter(other)


def _comparable(cell: Any, tolerance: float) -> Any:
    """A cell as something that can be counted: numbers of all types alike, rounded to the tolerance."""
    from decimal import Decimal

    if isinstance(cell, bool):
        return ("bool", cell)
    if isinstance(cell, int | float | Decimal):
        return round(float(cell) / tolerance) if tolerance and float(cell) - float(cell) == 0 else str(cell)
    if isinstance(cell, list | dict):
        return repr(cell)
    return cell


def _is_ordered(query: str, ordered: bool | None) -> bool:
    return bool(re.search(r"\border\s+by\b", query, re.IGNORECASE)) if ordered is None else ordered


KINDS = (Kind("sql", "a query gives the right rows", SqlOptions, sql, expects="expected"),)
