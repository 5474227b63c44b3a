"""The figures that screens and summaries show, each read from the ledger and as a typed record."""

from __future__ import annotations

import msgspec

from store.errors import MissingError
from store.ledger.querying import query
from store.paths import WorkspacePaths
from store.records.evals import VariantScore
from store.records.exports import ExportResult


def eval_scores(paths: WorkspacePaths, run_id: str) -> dict[str, VariantScore]:
    """The score of each variant and baseline of an evaluation, by name. Raises MissingError if none is."""
    columns = "variant, n, score, stderr, checks"
    sql = f"SELECT {columns} FROM eval_scores WHERE run_id = ? ORDER BY baseline, variant"
    found = query(paths, sql, [run_id])
    if not found.rows:
        raise _missing(run_id, "scores")
    return {row[0]: VariantScore(*row) for row in found.rows}


def export_result(paths: WorkspacePaths, run_id: str) -> ExportResult:
    """Files and ship check of an export. Raises MissingError if there is none."""
    sql = "SELECT result FROM runs WHERE run_id = ? AND kind = 'export' AND state = 'finished'"
    found = query(paths, sql, [run_id])
    if not found.rows:
        raise _missing(run_id, "export")
    return msgspec.json.decode(found.rows[0][0], type=ExportResult)


def run_seconds(paths: WorkspacePaths, run_id: str) -> float:
    """How long a run took, from `started` to its end. Raises MissingError where it has not ended."""
    sql = "SELECT epoch(ended) - epoch(started) FROM runs WHERE run_id = ? AND ended >= started"
    found = query(paths, sql, [run_id])
    if not found.rows:
        raise _missing(run_id, "end")
    return float(found.rows[0][0])


def _missing(run_id: str, what: str) -> MissingError:
    return MissingError(
        "The results do not have that",
        f"{run_id} has no {what}.",
        f"See how the run stands with: temper runs show {run_id}",
    )
