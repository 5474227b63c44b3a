"""`temper sql`: ask all results in SQL. Read-only; files, network and settings stay shut."""

from __future__ import annotations

import csv
import sys
from typing import Any

import click

from app.cli.output import json_option, print_json, print_table, say
from store.workspace import open_workspace


@click.command()
@click.argument("query")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV on stdout.")
@json_option
def sql(query: str, as_csv: bool, as_json: bool) -> None:
    """Answer QUERY, for example "SELECT run_id, state FROM runs".

    "SHOW TABLES" lists the tables, "DESCRIBE steps" the columns of one.
    """
    from store import ledger

    result = ledger.query(open_workspace().paths, query)
    if as_json:
        print_json(result)
    elif as_csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows([result.columns, *result.rows])
    else:
        numbers = [i for i in range(len(result.columns)) if is_numeric(result.rows, i)]
        print_table(result.columns, [[cell(value) for value in row] for row in result.rows], right=numbers)
        say(f"{len(result.rows)} row{'' if len(result.rows) == 1 else 's'}")


def is_numeric(rows: list[list[Any]], column: int) -> bool:
    """Whether a column has numbers only."""
    values = [row[column] for row in rows if row[column] is not None]
    return bool(values) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    )


def cell(value: Any) -> str:
    """A value on one line."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")
