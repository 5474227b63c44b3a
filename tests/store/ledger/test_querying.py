"""What `temper sql` may ask, what it may not, and in which form answers come."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from store import ledger
from store.errors import UsageError
from store.ledger import connection, querying
from store.paths import WorkspacePaths

Ask = Callable[[str], list[list[Any]]]


@pytest.fixture
def shut(full: WorkspacePaths) -> Callable[[str], ledger.QueryResult]:
    """Questions to a folded ledger, without folding for each."""
    ledger.fold(full)

    def ask(sql: str) -> ledger.QueryResult:
        with connection.turn(full), connection.reading(full) as opened:
            return querying.answer(opened, sql)

    return ask


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_blob('{file}')",
        "SELECT * FROM read_json('{file}')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM 'http://127.0.0.1:1/x.parquet'",
        "SELECT * FROM read_parquet('https://127.0.0.1:1/x.parquet')",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "COPY runs FROM '{file}'",
        "EXPLAIN ANALYZE COPY runs TO '{folder}/out.csv'",
        "EXPORT DATABASE '{folder}/out'",
        "ATTACH '{folder}/out.duckdb'",
        "ATTACH ':memory:' AS aside",
        "INSTALL httpfs",
        "LOAD httpfs",
        "LOAD '{folder}/out.so'",
    ],
)
def test_a_query_cannot_reach_outside(
    shut: Callable[[str], ledger.QueryResult], tmp_path: Path, sql: str
) -> None:
    (tmp_path / "file.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError) as refused:
        shut(sql.format(file=tmp_path / "file.csv", folder=tmp_path))
    assert refused.value.title == "A query cannot reach outside the results"
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO runs (run_id) VALUES ('x')",
        "UPDATE runs SET state = 'finished'",
        "DELETE FROM runs",
        "DROP TABLE runs",
        "CREATE TABLE mine (a INTEGER)",
        "CREATE TEMP TABLE mine (a INTEGER)",
        "SET threads = 1",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "PRAGMA threads = 1",
        "BEGIN",
        "CHECKPOINT",
    ],
)
def test_a_query_only_reads(shut: Callable[[str], ledger.QueryResult], sql: str) -> None:
    with pytest.raises(UsageError) as refused:
        shut(sql)
    assert refused.value.title == "Queries only read"
    assert shut("SELECT count(*) FROM runs").rows == [[4]]


@pytest.mark.parametrize("sql", ["DELETE FROM runs", "SET threads = 1", "COPY runs TO '{folder}/out.csv'"])
def test_duckdb_itself_is_shut_in(full: WorkspacePaths, tmp_path: Path, sql: str) -> None:
    import duckdb

    ledger.fold(full)
    with connection.turn(full), connection.reading(full) as opened, pytest.raises(duckdb.Error):
        opened.execute(sql.format(folder=tmp_path))


@pytest.mark.parametrize(("sql", "count"), [("SELECT 1; SELECT 2", 2), ("", 0), ("-- nothing", 0)])
def test_one_question_at_a_time(shut: Callable[[str], ledger.QueryResult], sql: str, count: int) -> None:
    with pytest.raises(UsageError, match=f"{count} statements"):
        shut(sql)


@pytest.mark.parametrize(
    ("sql", "says"),
    [("SELCT 1", "syntax error"), ("SELECT nope FROM runs", "nope"), ("SELECT * FROM nothing", "nothing")],
)
def test_wrong_sql_is_told_with_the_tables_there_are(
    shut: Callable[[str], ledger.QueryResult], sql: str, says: str
) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        shut(sql)
    assert "eval_scores, eval_slices, exports" in refused.value.remedy


def test_variables_of_the_program_are_no_tables(shut: Callable[[str], ledger.QueryResult]) -> None:
    with pytest.raises(UsageError, match="sql"):
        shut("SELECT * FROM sql")


@pytest.mark.parametrize("sql", ["SHOW TABLES", "DESCRIBE runs", "EXPLAIN SELECT 1", "PIVOT runs ON state"])
def test_other_ways_of_asking_work(shut: Callable[[str], ledger.QueryResult], sql: str) -> None:
    assert shut(sql).rows


def test_every_value_can_be_written_as_json(shut: Callable[[str], ledger.QueryResult]) -> None:
    result = shut(
        "SELECT 1.5 AS d, 2::HUGEINT ** 100 AS f, 170141183460469231731687303715884105727 AS h,"
        " 'nan'::DOUBLE AS n, DATE '2026-01-31' AS day, TIMESTAMP '2026-01-31 10:00:00.25' AS t,"
        " '\\x00a'::BLOB AS b, {'a': [DATE '2026-01-31']} AS s, MAP {DATE '2026-01-31': 1} AS m,"
        " NULL AS z, true AS y, INTERVAL 1 DAY AS i"
    )
    assert result.columns == ["d", "f", "h", "n", "day", "t", "b", "s", "m", "z", "y", "i"]
    assert result.rows == [
        [
            1.5,
            2.0**100,
            "170141183460469231731687303715884105727",
            None,
            "2026-01-31",
            "2026-01-31T10:00:00.250Z",
            "0061",
            {"a": ["2026-01-31"]},
            {"2026-01-31": 1},
            None,
            True,
            "1 day, 0:00:00",
        ]
    ]
    assert msgspec.json.decode(msgspec.json.encode(result), type=ledger.QueryResult) == result


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_numbers_that_json_lacks_become_null(value: float) -> None:
    assert querying.plain(value) is None
