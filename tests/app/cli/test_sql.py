"""`temper sql`: a table for people, JSON and CSV for programs, refusals with their exit code."""

from __future__ import annotations

import csv
import io
import sys

import pytest

from store import ledger
from store.errors import ExitCode
from store.ledger import connection
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.store.ledger.stage import make_training

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture(autouse=True)
def trained(workspace: Workspace) -> None:
    make_training(workspace.paths, count=2)


def test_a_table_is_printed_for_people(temper: Temper) -> None:
    told = temper("sql", "SELECT step, loss, grad_norm FROM steps ORDER BY step")
    assert told.out.splitlines() == ["step  loss  grad_norm", "   1     1", "   2   0.5        0.5"]
    assert told.err == "2 rows\n"
    assert told.code == ExitCode.OK


def test_json_has_columns_and_rows(temper: Temper) -> None:
    told = temper("sql", "SELECT run_id, created FROM runs", "--json")
    assert told.json() == {
        "columns": ["run_id", "created"],
        "rows": [["train-1", "2026-01-31T10:00:00.000Z"]],
    }
    assert told.err == ""


def test_csv_has_a_header_and_quotes_what_needs_it(temper: Temper) -> None:
    told = temper("sql", "SELECT 1 AS n, 'a, \"b\"' AS t, NULL AS z", "--csv")
    assert list(csv.reader(io.StringIO(told.out))) == [["n", "t", "z"], ["1", 'a, "b"', ""]]


def test_a_value_with_line_breaks_stays_on_its_line(temper: Temper) -> None:
    told = temper("sql", "SELECT 'a' || chr(10) || 'b' AS t")
    assert told.out.splitlines() == ["t", "a\\nb"]


@pytest.mark.parametrize(
    ("sql", "title"),
    [
        ("SELECT * FROM read_text('/etc/hostname')", "A query cannot reach outside the results."),
        ("DELETE FROM runs", "Queries only read."),
        ("SELCT 1", "The query did not work."),
    ],
)
def test_a_refusal_is_a_usage_error_with_its_title(temper: Temper, sql: str, title: str) -> None:
    told = temper("sql", sql)
    assert told.code == ExitCode.USAGE
    assert told.err.startswith(title)
    assert told.out == ""


def test_results_in_use_give_their_own_exit_code_and_the_holders_pid(
    temper: Temper, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.fold(workspace.paths)
    monkeypatch.setattr(connection, "PATIENCE_SECONDS", 0.05)
    with connection.turn(workspace.paths):
        told = temper("sql", "SELECT 1")
    assert told.code == ExitCode.BUSY
    assert "pid" in told.err


def test_asking_for_help_does_not_load_the_database(temper: Temper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)  # an import would fail
    assert temper("sql", "--help").code == ExitCode.OK
