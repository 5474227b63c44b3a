"""Queries by their rows, in a database that is shut in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from engine.evals.checks import Bench
from engine.evals.checks.sql import same_rows
from tests.engine.evals.checks.stage import judged

SETUP = (
    "CREATE TABLE t (a INTEGER, b VARCHAR, c DOUBLE); INSERT INTO t VALUES (1,'x',0.5),(2,'y',1.5),(2,'z',2)"
)


@pytest.mark.parametrize(
    ("answer", "expected", "passed"),
    [
        ("SELECT a FROM t", "SELECT a AS n FROM t", True),
        ("SELECT a FROM t ORDER BY a DESC", "SELECT a FROM t", True),
        ("SELECT a FROM t ORDER BY a DESC", "SELECT a FROM t ORDER BY a", False),
        ("SELECT DISTINCT a FROM t", "SELECT a FROM t", False),
        ("SELECT sum(c) / 2 FROM t", "SELECT 2", True),
        ("SELECT count(*) FROM t", "SELECT 3.0", True),
        ("SELECT a, b FROM t", "SELECT b, a FROM t", False),
        ("Here it is:\n```sql\nSELECT max(a) FROM t;\n```\nDone.", "SELECT 2", True),
        ("SELECT NULL", "SELECT NULL", True),
        ("SELECT [1, 2]", "SELECT [1, 2]", True),
        ("The query is:\nSELECT max(a) FROM t", "SELECT 2", True),
        ("WITH x AS (SELECT a FROM t) SELECT sum(a) FROM x", "SELECT 5", True),
        ("SELECT b FROM t ORDER BY b DESC", "SELECT b FROM (SELECT b FROM t ORDER BY b)", True),
        ("SELECT a FROM t ORDER BY a DESC", "SELECT a, -- order by\n FROM t WHERE b <> 'order by'", True),
        (
            "SELECT b, rank() OVER (ORDER BY a) FROM t ORDER BY b DESC",
            "SELECT b, rank() OVER (ORDER BY a) FROM t",
            True,
        ),
        ("SELECT a, c FROM t", "SELECT a, c + 1e-9 FROM t", True),
        ("SELECT 9007199254740993", "SELECT 9007199254740992", False),
        ("SELECT 10000001", "SELECT 10000000", False),
        ("SELECT 1e12 + 1e-3", "SELECT 1e12", True),
        ("SELECT NULL, 1 UNION ALL SELECT NULL, 2", "SELECT NULL, 2 UNION ALL SELECT NULL, 1", True),
        ("SELECT 'nan'::DOUBLE, 'inf'::DOUBLE", "SELECT 'nan'::DOUBLE, 'inf'::DOUBLE", True),
        ("SELECT NULL", "SELECT 0", False),
        ("SELECT true", "SELECT 1", False),
        ("SELECT 1; SELECT 2", "SELECT 2", True),
    ],
)
def test_a_query_is_right_where_its_rows_are(answer: str, expected: str, passed: bool) -> None:
    assert judged("sql", answer, expected, setup=SETUP).passed is passed


def test_an_answer_may_not_change_the_tables_unless_that_is_asked() -> None:
    change = "DELETE FROM t WHERE a > 1; SELECT count(*) FROM t"

    assert judged("sql", change, "SELECT 1", setup=SETUP).detail == "is no query: it has DELETE"
    assert judged("sql", change, "DELETE FROM t WHERE b <> 'x'; SELECT count(*) FROM t", setup=SETUP).passed
    assert judged("sql", "SELECT count(*) FROM t", "SELECT 3", setup=SETUP).passed


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"setup": "CREATE TABLE nonsense"}, "`setup` fails: Parser Error"),
        ({"setup": "COPY (SELECT 1) TO 'out.csv'"}, "`setup` fails: Permission Error"),
        ({"setup": "none.sql"}, "none.sql: there is no such file"),
        ({"seconds": 0.0}, "`seconds` is 0.0; it must be above 0"),
        ({"tolerance": -1.0}, "`tolerance` is -1.0; it must be 0 or more"),
    ],
)
def test_what_cannot_work_is_refused_before_any_answer(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        judged("sql", "SELECT 1", "SELECT 1", **options)


def test_rows_are_paired_by_nearness_and_not_by_rounding() -> None:
    found = [(0.4999999,), (1.5,), (1.5000002,)]
    right = [(1.5000001,), (1.5,), (0.5,)]

    assert same_rows(found, right, ordered=False, tolerance=1e-6)
    assert not same_rows(found, [(1.6,), (1.5,), (0.5,)], ordered=False, tolerance=1e-6)
    assert same_rows([(1.1,)], [(1.0,)], ordered=False, tolerance=0.1)  # in floats they differ by more
    crossed = [(1.0, 2.0), (1.0000001, 1.0)]
    assert same_rows(crossed, [(1.0000001, 2.0), (1.0, 1.0)], ordered=False, tolerance=1e-6)


def test_a_query_that_fails_says_why() -> None:
    assert "nope" in judged("sql", "SELECT nope FROM t", "SELECT 1", setup=SETUP).detail
    assert judged("sql", "no SQL at all", "SELECT 1", setup=SETUP).score == 0
    assert judged("sql", "", "SELECT 1", setup=SETUP).detail == "there is no statement in it"
    assert judged("sql", "-- nothing", "SELECT 1", setup=SETUP).detail == "there is no statement in it"


def test_an_expected_query_that_fails_is_an_error_of_the_case() -> None:
    assert "the expected query fails" in judged("sql", "SELECT 1", "SELECT nope", setup=SETUP).error


@pytest.mark.parametrize(
    "answer",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY t TO 'stolen.csv'",
        "INSTALL httpfs",
        "SET enable_external_access=true",
        "ATTACH 'other.duckdb'",
    ],
)
@pytest.mark.parametrize("change", ["SELECT 1", "CREATE TABLE u (a INT); SELECT 1"])
def test_a_query_reaches_nothing_outside(answer: str, change: str) -> None:
    detail = judged("sql", answer, change, setup=SETUP).detail

    assert detail.startswith(("is no query", "Permission", "Invalid", "IO", "Catalog"))


def test_a_query_that_runs_away_is_stopped() -> None:
    endless = "SELECT count(*) FROM range(100000000) a, range(100000000) b"

    assert judged("sql", endless, "SELECT 1", seconds=0.2).detail == "did not finish within 0.2 s"
    assert judged("sql", "SELECT * FROM range(200000)", "SELECT 1").detail == "more than 100,000 rows"


def test_a_setup_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "tables.sql").write_text(SETUP)

    assert judged(
        "sql", "SELECT 3", "SELECT count(*) FROM t", setup="tables.sql", bench=Bench([tmp_path])
    ).passed


@pytest.mark.parametrize(
    ("found", "right", "same"),
    [
        ([(1.0000000001,)], [(1,)], True),
        ([(True,)], [(1,)], False),
        ([], [], True),
        ([(1, 2)], [(1,)], False),
    ],
)
def test_numbers_of_all_types_are_alike(found: Any, right: Any, same: bool) -> None:
    assert same_rows(found, right, ordered=False, tolerance=1e-6) is same
