"""Records become rows: which table, which columns, in the order of store.ledger.migrations.

Pure; knows neither files nor DuckDB. Nothing here depends on the time of folding or on the order of
sources, so a ledger that is made anew has the same rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from store import clock
from store.ledger.eval_rows import EvalScores, Row, Rows, hit_rows, of_scores
from store.records.events import AnyEvent, Artifact, Finished, Resumed, Step
from store.records.exports import ExportResult, ShipCheck
from store.records.runs import JobKind, RunSpec, RunView
from store.records.traces import Trace

STEP = 3  # column of `steps`
UNCHECKED = (None,) * len(ShipCheck.__struct_fields__)


def of_run(spec: RunSpec, view: RunView) -> Row:
    """The row of `runs`."""
    error = view.error
    return (
        view.run_id,
        view.kind,
        view.state,
        view.title,
        spec.command,
        moment(view.created),
        moment(view.started),
        moment(view.ended),
        view.step,
        view.total,
        error.title if error else None,
        error.happened if error else None,
        error.remedy if error else None,
        error.exit_code if error else None,
        _json(spec.params),
        _json(view.result),
    )


def of_events(run_id: str, job: JobKind, events: Iterable[AnyEvent]) -> Rows:
    """Rows of `steps`, `artifacts` and, from the last event, of `eval_scores`, `eval_slices` or `exports`."""
    rows: Rows = defaultdict(list)
    steps = rows["steps"]
    for event in events:
        if isinstance(event, Resumed):
            steps[:] = [row for row in steps if row[STEP] <= event.step]
        elif isinstance(event, Step):
            steps.append(
                (
                    run_id,
                    event.seq,
                    moment(event.time),
                    event.step,
                    event.total,
                    event.loss,
                    event.learning_rate,
                    event.grad_norm,
                    event.tokens_per_second,
                    event.memory_bytes,
                )
            )
        elif isinstance(event, Artifact):
            rows["artifacts"].append(
                (run_id, event.seq, event.name, event.type, event.path, event.bytes, event.sha256)
            )
        elif isinstance(event, Finished):
            rows.update(of_result(run_id, job, event.result))  # should a run end twice, its last word holds
    return rows


def of_result(run_id: str, job: JobKind, result: dict[str, Any]) -> Rows:
    """What a job's own summary adds, by table; nothing where it is not what the job writes."""
    try:
        if job == "evaluate" and result:
            return of_scores(run_id, msgspec.convert(result, EvalScores))
        if job == "export" and result:
            return {"exports": _exports(run_id, msgspec.convert(result, ExportResult))}
    except msgspec.ValidationError:
        pass  # runs.result still has it, as it is
    return {"eval_scores": [], "eval_slices": []}


def of_traces(source: str, traces: Sequence[Trace]) -> Rows:
    """Rows of `traces` and, for each passage a model was given, of `retrieval`."""
    return {
        "traces": [_trace(source, trace) for trace in traces],
        "retrieval": [
            row for trace in traces for row in hit_rows((source, trace.trace_id), trace.hits, trace.citations)
        ],
    }


def moment(text: str | None) -> datetime | None:
    """A time of a file as DuckDB keeps it: UTC without a zone. None where there is none, or it is no time."""
    if not text:
        return None
    try:
        if text[-1] == "Z":  # as clock.stamp writes it; this is called for every step
            return datetime.fromisoformat(text[:-1])
        return clock.parse(text).astimezone(UTC).replace(tzinfo=None)
    except ValueError:
        return None


def _exports(run_id: str, result: ExportResult) -> list[Row]:
    return [
        (
            run_id,
            result.source,
            file.path,
            file.type,
            file.bytes,
            file.sha256,
            *(_check(file.ship_check) if file.ship_check else UNCHECKED),
        )
        for file in result.files
    ]


def _check(check: ShipCheck) -> Row:
    """All of a ship check; the cases on which the models differed as JSON."""
    fields = msgspec.structs.asdict(check)
    return tuple(_json(value) if name == "flipped" else value for name, value in fields.items())


def _trace(source: str, trace: Trace) -> Row:
    asked = [message.content for message in trace.messages if message.role == "user"]
    return (
        source,
        trace.trace_id,
        moment(trace.time),
        trace.variant,
        asked[-1] if asked else None,
        trace.answer,
        _json(trace.messages),
        trace.finish_reason,
        trace.prompt_tokens,
        trace.completion_tokens,
        trace.timings.retrieval_ms,
        trace.timings.first_token_ms,
        trace.timings.total_ms,
        trace.error,
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
