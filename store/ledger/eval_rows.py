"""Eval results and scores become rows, in the order of the columns in store.ledger.migrations.

Pure, as store.ledger.rows is, and split from it only because evaluations have the most tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from store.records.evals import CaseResult, Cost, VariantScore
from store.records.knowledge import Hit
from store.records.traces import Citation

Row = tuple[Any, ...]
Rows = dict[str, list[Row]]


class EvalScores(msgspec.Struct):
    """The part of an evaluation's result that is kept; `baselines` are answers without a model."""

    suite: str
    variants: list[VariantScore]
    baselines: dict[str, VariantScore] = {}


def of_scores(run_id: str, result: EvalScores) -> Rows:
    """Rows of `eval_scores` and `eval_slices`."""
    both = [(False, result.variants), (True, list(result.baselines.values()))]
    scores = [
        (run_id, result.suite, one.name, baseline, one.n, one.score, one.stderr, one.checks, *_details(one))
        for baseline, scores in both
        for one in scores
    ]
    slices = [
        (run_id, result.suite, one.name, name, part.n, part.cases, part.score, part.stderr)
        for _, scores in both
        for one in scores
        for name, part in one.slices.items()
    ]
    return {"eval_scores": scores, "eval_slices": slices}


def of_results(run_id: str, results: Sequence[CaseResult]) -> Rows:
    """Rows of `eval_results`, `eval_checks` and `eval_retrieval`."""
    return {
        "eval_results": [_case(run_id, case) for case in results],
        "eval_checks": [row for case in results for row in _checks(run_id, case)],
        "eval_retrieval": [row for case in results for row in _hits(run_id, case)],
    }


def _details(score: VariantScore) -> Row:
    cost = score.cost or Cost()
    return (
        score.mean,
        score.mean_stderr,
        score.checks_stderr,
        score.cases or score.n,
        score.epochs,
        score.errors,
        score.fragility,
        cost.prompt_tokens,
        cost.completion_tokens,
        cost.latency_ms,
        cost.latency_p95_ms,
        cost.joules,
        score.sha256,
        score.judge,
        score.judges_itself,
    )


def _case(run_id: str, case: CaseResult) -> Row:
    return (
        run_id,
        case.suite,
        case.variant,
        case.case,
        case.input,
        case.output,
        case.expected,
        case.passed,
        case.score,
        case.tags,
        case.latency_ms,
        case.prompt_tokens,
        case.completion_tokens,
        case.error,
        case.judged,
        case.case_hash,
        case.checks_hash,
        case.variant_hash,
        case.epoch,
        case.seed,
        case.group,
        case.slices or case.tags,
        _json(case.metadata),
        _json(case.messages),
        _json(case.steps),
        _json(case.tool_calls),
        case.expected_sources,
        _json(case.expected_tool_calls),
        case.finish_reason,
        case.timings.retrieval_ms,
        case.timings.first_token_ms,
        case.timings.total_ms,
        case.cached,
        case.prompt,
        _json(case.choices),
    )


def _checks(run_id: str, case: CaseResult) -> list[Row]:
    of_case = (run_id, case.suite, case.variant, case.case)
    return [
        (
            *of_case,
            position,
            check.kind,
            check.passed,
            check.score,
            check.detail,
            case.epoch,
            check.error,
            check.weight,
            check.by,
            check.of_kind,
            check.malformed,
        )
        for position, check in enumerate(case.checks, start=1)
    ]


def _hits(run_id: str, case: CaseResult) -> list[Row]:
    of_case = (run_id, case.suite, case.variant, case.case, case.epoch)
    return hit_rows(of_case, case.hits, case.citations)


def hit_rows(of: Row, hits: Sequence[Hit], citations: Sequence[Citation]) -> list[Row]:
    """A row per passage behind an answer, best first; each begins with `of`, the keys of the answer."""
    cited = {(one.doc, one.start, one.end) for one in citations}
    return [
        (
            *of,
            rank,
            hit.doc,
            hit.start,
            hit.end,
            hit.score,
            hit.title,
            hit.chunk,
            hit.text,
            (hit.doc, hit.start, hit.end) in cited,
        )
        for rank, hit in enumerate(hits, start=1)
    ]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
