"""Checks: one answer against one expectation, as a score in [0, 1], pass or fail, with a reason.

    contract     what a kind of check is      registry    all kinds
    compiling    checks of a suite become functions

A module per idea: matching, patterns, numeric (with numbers), choice, json_schema (with validating, ecma and
schema_references), json_fields, overlap, rouge, bleu (with pooling), similarity, tool_call (with calls, bfcl
and bfcl_values), sql, refusal (with refusal_words), citations, retrieval, budgets, judge, python (with
python_process). Knows nothing of variants and suites; loads nothing heavy by itself.
"""

from engine.evals.checks.compiling import CompiledCheck, compile_checks, problems_of
from engine.evals.checks.contract import Bench, CheckError, Kind, ModelJudge, Reply, Verdict
from engine.evals.checks.registry import KINDS, kind_of
from engine.evals.checks.values import same_json

__all__ = [
    "KINDS",
    "Bench",
    "CheckError",
    "CompiledCheck",
    "Kind",
    "ModelJudge",
    "Reply",
    "Verdict",
    "compile_checks",
    "kind_of",
    "problems_of",
    "same_json",
]
