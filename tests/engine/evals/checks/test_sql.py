"""Queries by their rows, in a database that is shut in."""

from __future__ import annotations

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
    ],
)
def test_a_query_is_right_where_its_rows_are(answer: str, expected: str, passed: bool) -> None:
    assert judged("sql", answer, expected, setup=SETUP).passed is passed


def test_a_query_that_fails_says_why() -> None:
    assert "nope" in judged("sql", "SELECT nope FROM t", "SELECT 1", setup=SETUP).detail
    assert judged("sql", "no SQL at all", "SELECT 1", setup=SETUP).score == 0


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
def test_a_query_reaches_nothing_outside(answer: str) -> None:
    assert judged("sql", answer, "SELECT 1", setup=SETUP).detail.split(" ")[0] in (
        "Permission",
        "Invalid",
        "IO",
        "Catalog",
    )


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
