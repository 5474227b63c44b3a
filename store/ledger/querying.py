"""Answers a question in SQL from the folded ledger: read-only, without files, network or settings.

DuckDB itself shuts the connection in; what is refused here before it runs is only refused more clearly.
"""

from __future__ import annotations

import datetime as dt
import math
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from store.errors import UsageError
from store.ledger import connection
from store.ledger.folding import fold_into
from store.ledger.migrations import tables
from store.paths import WorkspacePaths
from store.records.ledger import QueryResult

if TYPE_CHECKING:
    import duckdb

ASKING = ("SELECT", "EXPLAIN", "MULTI")  # MULTI is how DuckDB takes PIVOT apart
OUTSIDE = ("ATTACH", "DETACH", "COPY", "COPY_DATABASE", "EXPORT", "LOAD")
INTERRUPT_SECONDS = 0.05
LARGEST_NUMBER = 2**63


def query(paths: WorkspacePaths, sql: str, parameters: Sequence[object] = ()) -> QueryResult:
    """Fold what is new, then answer `sql`; `parameters` stand for its question marks.

    Raises UsageError for anything but one question, for what lies outside the results, and for SQL that
    DuckDB does not take; BusyError and TemperError as `fold` does.
    """
    with connection.turn(paths):
        with connection.writing(paths) as ledger:
            fold_into(ledger, paths)
        with connection.reading(paths) as ledger:
            return answer(ledger, sql, parameters)


def answer(ledger: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()) -> QueryResult:
    """`query`, from a ledger that is open for reading."""
    import duckdb

    try:
        check_statement(ledger, sql)
        rows = run(ledger, sql, parameters)
    except duckdb.PermissionException as error:
        raise _outside(str(error)) from error
    except duckdb.Error as error:
        raise UsageError(
            "The query did not work",
            str(error).strip(),
            f"The tables are {', '.join(tables(ledger))}. See the columns of one with: "
            'temper sql "DESCRIBE runs"',
        ) from error
    columns = [column[0] for column in ledger.description or []]
    return QueryResult(columns, [[plain(value) for value in row] for row in rows])


def check_statement(ledger: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raise UsageError unless `sql` is one question."""
    statements = ledger.extract_statements(sql)
    if len(statements) != 1:
        raise UsageError(
            "One question at a time",
            f"The query has {len(statements)} statements.",
            'Ask for example: temper sql "SELECT run_id, state FROM runs"',
        )
    kind = statements[0].type.name
    if kind in OUTSIDE:
        raise _outside(f"{kind} reaches outside them.")
    if kind not in ASKING:
        raise UsageError(
            "Queries only read",
            f"{kind} would change something, and the results are made from the runs alone.",
            'Ask with SELECT, for example: temper sql "SELECT run_id, state FROM runs"',
        )


def run(ledger: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
    """All rows. Ctrl-C ends a long query at once: DuckDB would only notice when it is done."""
    answer: Future[list[tuple[Any, ...]]] = Future()
    given_up = threading.Event()

    def ask() -> None:
        if given_up.is_set():
            return
        try:
            answer.set_result(ledger.execute(sql, list(parameters)).fetchall())
        except BaseException as error:
            answer.set_exception(error)

    asking = threading.Thread(target=ask, name="query", daemon=True)
    try:
        asking.start()
        return answer.result()
    except KeyboardInterrupt:
        given_up.set()
        while asking.is_alive():  # a query that is only about to begin misses an interruption
            ledger.interrupt()
            asking.join(INTERRUPT_SECONDS)
        raise


def plain(value: Any) -> Any:
    """A value of DuckDB's as JSON has it: times in ISO 8601, what JSON has no number for as text or null."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if -LARGEST_NUMBER <= value < LARGEST_NUMBER else str(value)
        case float() | Decimal():
            return float(value) if math.isfinite(value) else None
        case dt.datetime():
            text = value.isoformat(timespec="milliseconds" if value.microsecond % 1000 == 0 else "auto")
            return text if value.tzinfo else f"{text}Z"  # the ledger's times are UTC
        case dt.date() | dt.time():
            return value.isoformat()
        case bytes():
            return value.hex()
        case list() | tuple():
            return [plain(item) for item in value]
        case dict():
            return {str(plain(key)): plain(item) for key, item in value.items()}
        case _:
            return str(value)


def _outside(happened: str) -> UsageError:
    return UsageError(
        "A query cannot reach outside the results",
        happened,
        "Files, other databases, extensions and the network stay shut here. To take results elsewhere: "
        'temper sql --csv "SELECT ..." > FILE',
    )
