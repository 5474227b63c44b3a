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


TYPES = {
    **dict.fromkeys(COLUMNS, "text"),
    **dict.fromkeys(("epoch", "seed", "prompt_tokens", "completion_tokens"), "count"),
    **dict.fromkeys(("score", "latency_ms", "retrieval_ms"), "number"),
    **dict.fromkeys(("passed", "judged"), "yes"),
    **dict.fromkeys(("slices", "sources", "tool_calls"), "list"),
}
"""Of the columns of every table; those of checks are numbers."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rows_of(results: Sequence[CaseResult]) -> tuple[list[str], list[dict[str, Any]]]:
    """Columns and rows. The columns of checks are named `check:NAME` and empty where it was not applied."""
    checks = list(dict.fromkeys(check.kind for result in results for check in result.checks))
    return [*COLUMNS, *(f"check:{name}" for name in checks)], [_row(result, checks) for result in results]


def csv_text(results: Sequence[CaseResult]) -> str:
    """The table as CSV (RFC 4180)."""
    columns, rows = rows_of(results)
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return out.getvalue()


def parquet_bytes(results: Sequence[CaseResult]) -> bytes:
    """The table as Parquet, types kept."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns, rows = rows_of(results)
    # Said, not guessed: a column in which nothing is known would have no type at all.
    kinds = {"text": pa.string(), "number": pa.float64(), "count": pa.int64(), "yes": pa.bool_()}
    kinds["list"] = pa.list_(pa.string())
    schema = pa.schema([(name, kinds[TYPES.get(name, "number")]) for name in columns])
    table = pa.table({name: [row[name] for row in rows] for name in columns}, schema=schema)
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
        value = "; ".join(value)
    if not isinstance(value, str):
        return value
    # A spreadsheet must not take an answer for a formula; readers in C end a text at NUL.
    value = value.replace("\0", "\ufffd")
    return f"'{value}" if value.startswith(_FORMULA) and not _is_number(value) else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
