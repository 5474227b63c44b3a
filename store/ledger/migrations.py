"""The ledger's tables, as numbered functions: each takes the ledger from one version to the next.

Released functions never change; a new table or column is a new function at the end. The rows of a new
table come from lines that were taken in long ago, so after a migration everything is folded anew: the
files are the truth, and no migration has to carry rows over. Tables have no keys and no indexes (see
docs/decisions/0004-ledger.md). Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from store.errors import TemperError
from store.ledger.connection import transaction

if TYPE_CHECKING:
    import duckdb


def runs_and_steps(ledger: duckdb.DuckDBPyConnection) -> None:
    """1: runs with their steps and artifacts; how far each source was read."""
    ledger.execute("""
        CREATE TABLE sources (
            path VARCHAR, kind VARCHAR, owner VARCHAR, byte_offset BIGINT, byte_size BIGINT,
            unreadable BIGINT);
        CREATE TABLE runs (
            run_id VARCHAR, kind VARCHAR, state VARCHAR, title VARCHAR, command VARCHAR,
            created TIMESTAMP, started TIMESTAMP, ended TIMESTAMP, step BIGINT, total BIGINT,
            error_title VARCHAR, error VARCHAR, remedy VARCHAR, exit_code BIGINT, params JSON, result JSON);
        CREATE TABLE steps (
            run_id VARCHAR, seq BIGINT, time TIMESTAMP, step BIGINT, total BIGINT, loss DOUBLE,
            learning_rate DOUBLE, grad_norm DOUBLE, tokens_per_second DOUBLE, memory_bytes BIGINT);
        CREATE TABLE artifacts (
            run_id VARCHAR, seq BIGINT, name VARCHAR, type VARCHAR, path VARCHAR, bytes BIGINT,
            sha256 VARCHAR);
    """)


def evals(ledger: duckdb.DuckDBPyConnection) -> None:
    """2: eval results per case, per check, and the score of each variant."""
    ledger.execute("""
        CREATE TABLE eval_results (
            run_id VARCHAR, suite VARCHAR, variant VARCHAR, case_id VARCHAR, input VARCHAR, output VARCHAR,
            expected VARCHAR, passed BOOLEAN, score DOUBLE, tags VARCHAR[], latency_ms DOUBLE,
            prompt_tokens BIGINT, completion_tokens BIGINT, error VARCHAR);
        CREATE TABLE eval_checks (
            run_id VARCHAR, suite VARCHAR, variant VARCHAR, case_id VARCHAR, position BIGINT, kind VARCHAR,
            passed BOOLEAN, score DOUBLE, detail VARCHAR);
        CREATE TABLE eval_scores (
            run_id VARCHAR, suite VARCHAR, variant VARCHAR, baseline BOOLEAN, n BIGINT, score DOUBLE,
            stderr DOUBLE, checks MAP(VARCHAR, DOUBLE));
    """)


def exports(ledger: duckdb.DuckDBPyConnection) -> None:
    """3: exported files, each with its ship check: the columns from `verdict` on are those of ShipCheck, as
    are those that a later version adds.
    """
    ledger.execute("""
        CREATE TABLE exports (
            run_id VARCHAR, source VARCHAR, path VARCHAR, type VARCHAR, bytes BIGINT, sha256 VARCHAR,
            verdict VARCHAR, reasons VARCHAR[], texts BIGINT, token_ids_equal DOUBLE, prompts BIGINT,
            greedy_agreement DOUBLE, top1_agreement DOUBLE, tokens BIGINT, ties BIGINT, stops BOOLEAN,
            reference VARCHAR);
    """)


def traces(ledger: duckdb.DuckDBPyConnection) -> None:
    """4: served requests and the passages each was given."""
    ledger.execute("""
        CREATE TABLE traces (
            source VARCHAR, trace_id VARCHAR, time TIMESTAMP, variant VARCHAR, question VARCHAR,
            answer VARCHAR, messages JSON, finish_reason VARCHAR, prompt_tokens BIGINT,
            completion_tokens BIGINT, retrieval_ms DOUBLE, first_token_ms DOUBLE, total_ms DOUBLE,
            error VARCHAR);
        CREATE TABLE retrieval (
            source VARCHAR, trace_id VARCHAR, rank BIGINT, doc VARCHAR, start_char BIGINT, end_char BIGINT,
            score DOUBLE, title VARCHAR, chunk VARCHAR, text VARCHAR, cited BOOLEAN);
    """)


def ship_checks(ledger: duckdb.DuckDBPyConnection) -> None:
    """5: the ship check's divergences, its suite, and the gap to the base that was trained on."""
    for column in (
        "positions BIGINT",
        "kl_mean DOUBLE",
        "kl_p99 DOUBLE",
        "trained_reference VARCHAR",
        "trained_top1 DOUBLE",
        "trained_kl DOUBLE",
        "suite VARCHAR",
        "suite_cases BIGINT",
        "suite_score DOUBLE",
        "suite_reference DOUBLE",
        "suite_low DOUBLE",
        "suite_high DOUBLE",
    ):
        ledger.execute(f"ALTER TABLE exports ADD COLUMN {column}")


def eval_details(ledger: duckdb.DuckDBPyConnection) -> None:
    """6: what each result was asked and given, its seed and hashes; errors of checks; slices."""
    columns = {
        "eval_results": (
            "judged BOOLEAN",
            "case_hash VARCHAR",
            "checks_hash VARCHAR",
            "variant_hash VARCHAR",
            "epoch BIGINT",
            "seed BIGINT",
            '"group" VARCHAR',
            "slices VARCHAR[]",
            "metadata JSON",
            "messages JSON",
            "steps JSON",
            "tool_calls JSON",
            "expected_sources VARCHAR[]",
            "expected_tool_calls JSON",
            "finish_reason VARCHAR",
            "retrieval_ms DOUBLE",
            "first_token_ms DOUBLE",
            "total_ms DOUBLE",
            "cached BOOLEAN",
        ),
        "eval_checks": ("epoch BIGINT", "error VARCHAR", "weight DOUBLE", "judge VARCHAR"),
        "eval_scores": (
            "mean DOUBLE",
            "mean_stderr DOUBLE",
            "checks_stderr MAP(VARCHAR, DOUBLE)",
            "cases BIGINT",
            "epochs BIGINT",
            "errors BIGINT",
            "fragility DOUBLE",
            "prompt_tokens DOUBLE",
            "completion_tokens DOUBLE",
            "latency_ms DOUBLE",
            "latency_p95_ms DOUBLE",
            "joules DOUBLE",
            "variant_hash VARCHAR",
            "judge VARCHAR",
            "judges_itself BOOLEAN",
        ),
    }
    for table, added in columns.items():
        for column in added:
            ledger.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    ledger.execute("""
        CREATE TABLE eval_slices (
            run_id VARCHAR, suite VARCHAR, variant VARCHAR, slice VARCHAR, n BIGINT, cases BIGINT,
            score DOUBLE, stderr DOUBLE);
        CREATE TABLE eval_retrieval (
            run_id VARCHAR, suite VARCHAR, variant VARCHAR, case_id VARCHAR, epoch BIGINT, rank BIGINT,
            doc VARCHAR, start_char BIGINT, end_char BIGINT, score DOUBLE, title VARCHAR, chunk VARCHAR,
            text VARCHAR, cited BOOLEAN);
    """)


def eval_prompts(ledger: duckdb.DuckDBPyConnection) -> None:
    """7: what the model read, word for word, for each eval result."""
    ledger.execute("ALTER TABLE eval_results ADD COLUMN prompt VARCHAR")


def flipped_cases(ledger: duckdb.DuckDBPyConnection) -> None:
    """8: the cases of a ship check's suite that only one of the models passed."""
    ledger.execute("ALTER TABLE exports ADD COLUMN flipped JSON")


def check_kinds(ledger: duckdb.DuckDBPyConnection) -> None:
    """9: of each check its kind beside its name, and whether the answer lacked the form."""
    ledger.execute("ALTER TABLE eval_checks ADD COLUMN of_kind VARCHAR")
    ledger.execute("ALTER TABLE eval_checks ADD COLUMN malformed BOOLEAN")


def chosen_answers(ledger: duckdb.DuckDBPyConnection) -> None:
    """10: of an answer that was chosen, the log-probability of each text that there was."""
    ledger.execute("ALTER TABLE eval_results ADD COLUMN choices JSON")


MIGRATIONS: tuple[Callable[[duckdb.DuckDBPyConnection], None], ...] = (
    runs_and_steps,
    evals,
    exports,
    traces,
    ship_checks,
    eval_details,
    eval_prompts,
    flipped_cases,
    check_kinds,
    chosen_answers,
)


def migrate(ledger: duckdb.DuckDBPyConnection) -> None:
    """Bring the ledger to the newest version. Raises TemperError when a newer Temper wrote it."""
    version = version_of(ledger)
    if version == len(MIGRATIONS):
        return
    if version > len(MIGRATIONS):
        raise TemperError(
            "These results were written by a newer Temper",
            f"The file has version {version}; this Temper knows versions up to {len(MIGRATIONS)}.",
            "Use the newer Temper, or delete .temper/ledger.duckdb: it is made anew from the runs.",
        )
    with transaction(ledger):
        for table in tables(ledger):
            ledger.execute(f"DELETE FROM {table}")
        for step in MIGRATIONS[version:]:
            step(ledger)
        ledger.execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT)")
        ledger.execute("INSERT INTO schema_version VALUES (?)", [len(MIGRATIONS)])


def version_of(ledger: duckdb.DuckDBPyConnection) -> int:
    """How many of the functions above made this file; 0 for a new one."""
    if "schema_version" not in tables(ledger):
        return 0
    found = ledger.execute("SELECT max(version) FROM schema_version").fetchone()
    return int(found[0]) if found and found[0] is not None else 0


def tables(ledger: duckdb.DuckDBPyConnection) -> list[str]:
    """All tables, by name."""
    rows = ledger.execute("SELECT table_name FROM duckdb_tables() WHERE NOT temporary ORDER BY 1").fetchall()
    return [str(name) for (name,) in rows]
