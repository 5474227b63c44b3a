"""Results as a table: a row per result, a column for the score of each check."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from store.records.evals import CaseResult

COLUMNS = (
    "suite", "variant", "case", "epoch", "seed", "input", "expected", "output", "passed", "judged", "score",
    "error", "slices", "finish_reason", "prompt_tokens", "completion_tokens", "latency_ms", "retrieval_ms",
    "sources", "tool_calls", "case_hash", "variant_hash",
)  # fmt: skip


def rows_of(results: Sequence[CaseResult]) -> tuple[list[str], list[dict[str, Any]]]:
    """Columns and rows. The columns of checks are named `check:NAME` and empty where it was not applied."""
    checks = list(dict.fromkeys(check.kind for result in results for check in result.checks))
    return [*COLUMNS, *(f"check:{name}" for name in checks)], [_row(result, checks) for result in results]


def csv_text(results: Sequence[CaseResult]) -> str:
    """The table as CSV (RFC 4180)."""
    columns, rows = rows_of(results)
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return out.getvalue()


def parquet_bytes(results: Sequence[CaseResult]) -> bytes:
    """The table as Parquet, types kept."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns, rows = rows_of(results)
    table = pa.table({name: [row[name] for row in rows] for name in columns})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _row(result: CaseResult, checks: Sequence[str]) -> dict[str, Any]:
    scores = {check.kind: None if check.error else check.score for check in result.checks}
    row = {name: getattr(result, name) for name in COLUMNS if hasattr(result, name)}
    row |= {
        "slices": result.slices or result.tags,
        "retrieval_ms": result.timings.retrieval_ms,
        "sources": [hit.doc for hit in result.hits],
        "tool_calls": [f"{call.name}({call.arguments})" for call in result.tool_calls],
    }
    return row | {f"check:{name}": scores.get(name) for name in checks}


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return "; ".join(value)
    # A spreadsheet must not take an answer for a formula.
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") and not _is_number(value):
        return f"'{value}"
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
