"""Runs and traces of every kind that the ledger keeps, and a ledger as comparable content."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from store import ledger, runs
from store.paths import WorkspacePaths
from store.records.data import Message, ToolCall
from store.records.evals import CaseResult, CheckResult, ChoiceScore, Cost, SliceScore, VariantScore
from store.records.events import Artifact, Event, Finished, Lease, Started, Step
from store.records.exports import ExportedFile, ExportResult, ShipCheck
from store.records.knowledge import Hit
from store.records.runs import JobKind, RunSpec
from store.records.traces import Citation, Timings, Trace
from store.runs import EventWriter, RunFolder

CREATED = "2026-01-31T10:00:00.000Z"
TABLES = (
    "artifacts", "eval_checks", "eval_results", "eval_retrieval", "eval_scores", "eval_slices", "exports",
    "retrieval", "runs", "schema_version", "sources", "steps", "traces",
)  # fmt: skip

Content = dict[str, list[str]]


def append_lines(path: Path, records: Sequence[msgspec.Struct]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.writelines(msgspec.json.encode(record) + b"\n" for record in records)


def make_run(paths: WorkspacePaths, run_id: str, job: JobKind, events: Sequence[Event] = ()) -> RunFolder:
    """A run folder with `started`, `lease` and these events."""
    spec = RunSpec(run_id, job, CREATED, str(paths.root), {"seed": 1}, f"title of {run_id}", f"temper {job}")
    folder = runs.create(paths.runs, spec)
    write_events(folder, [Started(run_id=run_id, job=job, pid=1), Lease(device="cpu"), *events])
    return folder


def write_events(folder: RunFolder, events: Sequence[Event]) -> None:
    writer = EventWriter(folder)
    for event in events:
        writer.emit(event)
    writer.close()


def steps(first: int, last: int) -> list[Step]:
    return [
        Step(step=n, total=last, loss=1 / n, tokens_per_second=900.0, grad_norm=None if n % 2 else 0.5)
        for n in range(first, last + 1)
    ]


def make_training(paths: WorkspacePaths, run_id: str = "train-1", count: int = 20) -> RunFolder:
    adapter = Artifact(name="adapter", path="artifacts/adapter", type="adapter", bytes=7, sha256="ab")
    return make_run(
        paths, run_id, "train", [*steps(1, count), adapter, Finished(status="finished", result={"loss": 0.5})]
    )


def make_evaluation(paths: WorkspacePaths, run_id: str = "evaluate-1") -> RunFolder:
    scores = [
        VariantScore("base", 2, 0.0, 0.0, {"exact": 0.0}),
        VariantScore(
            "tuned",
            2,
            0.5,
            0.35,
            {"exact": 0.5},
            slices={"a": SliceScore(2, 2, 0.5, 0.35)},
            cost=Cost(9, 2, 8),
        ),
    ]
    result = {
        "suite": "support",
        "variants": msgspec.to_builtins(scores),
        "baselines": {
            "majority": msgspec.to_builtins(VariantScore("majority", 2, 0.25, 0.3, {"exact": 0.25}))
        },
    }
    folder = make_run(paths, run_id, "evaluate", [Finished(status="finished", result=result)])
    shape = CheckResult("shape", False, 0.0, "no JSON", of_kind="json_schema", malformed=True)
    checks = [shape, CheckResult("exact", False, 0.0, "not equal")]
    append_lines(
        folder.results,
        [
            CaseResult("support", "base", "c1", "in", "out", False, 0.5, checks, "want", ["a"]),
            detailed_result(),
        ],
    )
    return folder


def detailed_result() -> CaseResult:
    """A result with all that a line may hold; its judge failed."""
    return CaseResult(
        "support",
        "base",
        "c2",
        "in",
        "out",
        False,
        0.5,
        [CheckResult("exact", True, 1.0), CheckResult("judge", False, 0.0, error="no verdict", by="base")],
        case_hash="ab",
        epoch=1,
        seed=7,
        slices=["a", "language=de"],
        metadata={"from": "mail"},
        messages=[Message("user", "in")],
        tool_calls=[ToolCall("find", "{}")],
        expected_sources=["a.md"],
        hits=[Hit("a.md", 0, 5, 0.9, "Hello", "A", "a#0")],
        citations=[Citation(1, "a.md", 0, 5)],
        timings=Timings(1.0, 2.0, 3.0),
        choices=[ChoiceScore("out", -0.5, 1), ChoiceScore("in", -2.0, 3)],
    )


def make_export(paths: WorkspacePaths, run_id: str = "export-1") -> RunFolder:
    check = ShipCheck("WARN", ["a reason"], texts=10, token_ids_equal=1.0, prompts=4, greedy_agreement=0.75)
    files = [
        ExportedFile("merged", "safetensors", 10, "aa"),
        ExportedFile("model-q8_0.gguf", "q8_0", 5, "bb", check),
    ]
    result = msgspec.to_builtins(ExportResult(run_id, "train-1", files, check))
    return make_run(paths, run_id, "export", [Finished(status="finished", result=result)])


def trace(trace_id: str) -> Trace:
    hits = [Hit("a.md", 0, 5, 0.9, "Hello", "A", "a#0"), Hit("b.md", 3, 9, 0.5, "World", "B", "b#1")]
    turns = [
        Message("system", "Be kind."),
        Message("user", "Who?"),
        Message("assistant", "Me."),
        Message("user", "Why?"),
    ]
    return Trace(
        trace_id, CREATED, "tuned", turns, "Because.", hits=hits, citations=[Citation(2, "b.md", 3, 9)]
    )


def fill(paths: WorkspacePaths) -> None:
    """One of everything: finished and died runs, traces, a torn last line."""
    make_training(paths)
    make_evaluation(paths)
    make_export(paths)
    make_run(paths, "train-2", "train", steps(1, 3))  # no `finished`, no lock: it died
    append_lines(paths.traces / "2026-01-31.jsonl", [trace("t1"), trace("t2")])
    with (paths.runs / "train-2" / "events.jsonl").open("ab") as file:
        file.write(b'{"kind": "step", "st')


def content(paths: WorkspacePaths) -> Content:
    """Every table, whole: its rows as sorted text, so that two ledgers compare by ==."""
    return {
        table: sorted(repr(row) for row in ledger.query(paths, f"SELECT * FROM {table}").rows)
        for table in TABLES
    }


def delete(paths: WorkspacePaths) -> None:
    for file in paths.derived.glob("ledger.duckdb*"):
        file.unlink()
