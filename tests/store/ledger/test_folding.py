"""What is folded, once and whole, and what becomes of sources that tear, shrink, vanish or come back."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from store import clock, ledger, runs
from store.locks import FileLock
from store.paths import WorkspacePaths
from store.records.events import Failure, Finished, Resumed, Started, Step
from store.records.runs import RunSpec
from store.runs import RunFolder
from tests.store.ledger.stage import (
    append_lines,
    content,
    delete,
    make_evaluation,
    make_run,
    make_training,
    steps,
    trace,
    write_events,
)

Ask = Callable[[str], list[list[Any]]]


def test_every_table_gets_its_rows(full: WorkspacePaths) -> None:
    assert {table: len(rows) for table, rows in content(full).items()} == {
        "artifacts": 1,
        "eval_checks": 4,
        "eval_results": 2,
        "eval_retrieval": 1,
        "eval_scores": 3,
        "eval_slices": 1,
        "exports": 2,
        "retrieval": 4,
        "runs": 4,
        "schema_version": 1,
        "sources": 6,
        "steps": 23,
        "traces": 2,
    }


def test_a_second_fold_adds_nothing(full: WorkspacePaths) -> None:
    ledger.fold(full)
    before = content(full)
    assert ledger.fold(full) == ledger.Folded(sources=0, rows=0)
    assert content(full) == before


def test_a_deleted_ledger_is_made_anew_with_the_same_rows(full: WorkspacePaths) -> None:
    growing = make_run(full, "train-3", "train")
    ledger.fold(full)  # in three portions, so that the order of rows is another than on a fold at once
    write_events(growing, steps(1, 5))
    ledger.fold(full)
    append_lines(full.traces / "2026-01-31.jsonl", [trace("t3")])
    write_events(growing, [*steps(6, 7), Finished(status="finished")])
    before = content(full)
    delete(full)
    assert content(full) == before


def test_a_run_says_how_it_ended(paths: WorkspacePaths, ask: Ask) -> None:
    failure = Failure("Out of memory", "It was full.", "Use less.", 3)
    make_training(paths, "a")
    make_run(paths, "b", "train", [Finished(status="failed", error=failure)])
    make_run(paths, "c", "train", [Finished(status="cancelled")])
    make_run(paths, "d", "train")
    columns = "run_id, state, error_title, exit_code, ended IS NULL"
    assert ask(f"SELECT {columns} FROM runs ORDER BY run_id") == [
        ["a", "finished", None, None, False],
        ["b", "failed", "Out of memory", 3, False],
        ["c", "cancelled", None, None, False],
        ["d", "died", None, None, False],
    ]


def test_a_run_without_a_finished_event_is_looked_at_again_at_each_fold(
    paths: WorkspacePaths, ask: Ask
) -> None:
    folder = make_run(paths, "train-1", "train", steps(1, 2))
    state = "SELECT state, step FROM runs"
    with alive(folder):
        assert ask(state) == [["running", 2]]
        write_events(folder, steps(3, 3))
        assert ask(state) == [["running", 3]]
    assert ask(state) == [["died", 3]]
    with alive(folder):
        assert ask(state) == [["running", 3]]


def test_a_run_that_was_only_asked_for_is_starting(paths: WorkspacePaths, ask: Ask) -> None:
    runs.create(paths.runs, RunSpec("train-1", "train", clock.stamp(), str(paths.root)))
    assert ask("SELECT state, started FROM runs") == [["starting", None]]


def test_what_a_run_was_asked_and_what_it_gave_can_be_searched(paths: WorkspacePaths, ask: Ask) -> None:
    make_training(paths)
    assert ask("SELECT params->>'$.seed', CAST(result->>'$.loss' AS DOUBLE) FROM runs") == [["1", 0.5]]


def test_steps_keep_their_numbers(paths: WorkspacePaths, ask: Ask) -> None:
    make_training(paths, count=2)
    assert ask("SELECT seq, step, total, loss, grad_norm, tokens_per_second FROM steps ORDER BY seq") == [
        [3, 1, 2, 1.0, None, 900.0],
        [4, 2, 2, 0.5, 0.5, 900.0],
    ]


def test_times_are_utc_and_say_so(paths: WorkspacePaths, ask: Ask) -> None:
    make_training(paths)
    assert ask("SELECT created FROM runs") == [["2026-01-31T10:00:00.000Z"]]


def test_a_torn_last_line_waits_until_it_is_whole(paths: WorkspacePaths, ask: Ask) -> None:
    folder = make_training(paths, count=2)
    events = folder.events.read_bytes()
    cut = events.rindex(b'"kind":"artifact"')
    folder.events.write_bytes(events[:cut])
    assert ask("SELECT count(*) FROM steps") == [[2]]
    assert ask("SELECT count(*) FROM artifacts") == [[0]]
    folder.events.write_bytes(events)
    assert ask("SELECT count(*) FROM artifacts") == [[1]]
    assert ask("SELECT count(*), sum(unreadable) FROM steps, sources") == [[2, 0]]


def test_lines_that_cannot_be_read_are_passed_over_and_counted(paths: WorkspacePaths, ask: Ask) -> None:
    folder = make_evaluation(paths)
    with folder.results.open("ab") as file:
        file.write(b'not json\n{"suite": 3}\n')
    assert ask("SELECT count(*) FROM eval_results") == [[2]]
    assert ask("SELECT unreadable FROM sources WHERE kind = 'results'") == [[2]]


def test_a_source_that_shrank_is_folded_anew(paths: WorkspacePaths, ask: Ask) -> None:
    file = paths.traces / "day.jsonl"
    append_lines(file, [trace("t1"), trace("t2")])
    ledger.fold(paths)
    file.unlink()
    append_lines(file, [trace("t3")])
    assert ask("SELECT trace_id FROM traces") == [["t3"]]
    assert ask("SELECT DISTINCT trace_id FROM retrieval") == [["t3"]]


def test_a_source_that_lost_its_lines_keeps_no_rows(paths: WorkspacePaths, ask: Ask) -> None:
    folder = make_training(paths)
    ledger.fold(paths)
    folder.events.write_bytes(b"")
    assert ask("SELECT count(*) FROM steps") == [[0]]
    before = content(paths)
    delete(paths)
    assert content(paths) == before


@pytest.mark.parametrize("gone", ["runs/evaluate-1", "runs/train-1", "traces/2026-01-31.jsonl"])
def test_rows_go_with_the_files_that_account_for_them(full: WorkspacePaths, gone: str) -> None:
    ledger.fold(full)
    path = full.derived / gone
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    after = content(full)
    assert not [row for row in after["sources"] if gone in row]
    delete(full)
    assert content(full) == after


def test_a_run_that_ends_twice_has_the_scores_of_its_last_end(paths: WorkspacePaths, ask: Ask) -> None:
    folder = make_evaluation(paths)
    ledger.fold(paths)
    score = {"name": "other", "n": 1, "score": 1.0, "stderr": 0.0, "checks": {}}
    result = {"suite": "support", "variants": [score], "baselines": {}}
    write_events(folder, [Finished(status="finished", result=result)])
    assert ask("SELECT variant FROM eval_scores") == [["other"]]


def test_steps_that_a_resumed_run_does_again_are_counted_once(paths: WorkspacePaths, ask: Ask) -> None:
    folder = make_training(paths, count=3)
    ledger.fold(paths)
    again = [Resumed(step=1), Step(step=2, total=3, loss=0.25), Step(step=3, total=3, loss=0.125)]
    write_events(folder, [Started(run_id=folder.run_id), *again, Finished(status="finished")])
    assert ask("SELECT step, loss FROM steps ORDER BY step") == [[1, 1.0], [2, 0.25], [3, 0.125]]
    delete(paths)
    assert ask("SELECT count(*) FROM steps") == [[3]]


def test_a_result_that_is_not_what_the_job_writes_stays_readable_in_runs(
    paths: WorkspacePaths, ask: Ask
) -> None:
    make_run(paths, "export-1", "export", [Finished(status="finished", result={"files": "none"})])
    assert ask("SELECT result->>'$.files' FROM runs") == [["none"]]
    assert ask("SELECT count(*) FROM exports") == [[0]]


def test_a_result_keeps_what_was_asked_what_was_found_and_which_check_could_not_judge(
    full: WorkspacePaths, ask: Ask
) -> None:
    columns = "judged, epoch, seed, slices, metadata->>'$.from', messages->>'$[0].content', retrieval_ms"
    assert ask(f"SELECT {columns} FROM eval_results WHERE case_id = 'c2'") == [
        [False, 1, 7, ["a", "language=de"], "mail", "in", 1.0]
    ]
    assert ask(
        "SELECT choices->>'$[1].text', choices->>'$[1].tokens' FROM eval_results ORDER BY case_id"
    ) == [
        [None, None],
        ["in", "3"],
    ]
    assert ask("SELECT kind, error, judge FROM eval_checks WHERE error <> ''") == [
        ["judge", "no verdict", "base"]
    ]
    assert ask("SELECT kind, of_kind, malformed FROM eval_checks WHERE of_kind <> ''") == [
        ["shape", "json_schema", True]
    ]
    assert ask("SELECT case_id, epoch, rank, doc, cited FROM eval_retrieval") == [["c2", 1, 1, "a.md", True]]


def test_a_score_keeps_its_slices_and_its_cost(full: WorkspacePaths, ask: Ask) -> None:
    assert ask("SELECT variant, slice, n, score FROM eval_slices") == [["tuned", "a", 2, 0.5]]
    assert ask("SELECT completion_tokens FROM eval_scores WHERE variant = 'tuned'") == [[2.0]]


def test_results_of_the_first_temper_are_read_as_they_are(paths: WorkspacePaths, ask: Ask) -> None:
    folder = make_run(paths, "evaluate-1", "evaluate")
    folder.results.write_text(
        '{"suite":"s","variant":"v","case":"c","input":"i","output":"o","passed":false,"score":0.5,'
        '"checks":[{"kind":"exact","passed":false,"score":0.0,"detail":"no"}],"tags":["critical"],'
        '"latency_ms":1.5,"prompt_tokens":3,"completion_tokens":1}\n'
    )
    columns = "score, judged, epoch, slices, cached, case_hash"
    assert ask(f"SELECT {columns} FROM eval_results") == [[0.5, True, 0, ["critical"], False, ""]]
    found = ask("SELECT kind, error, weight, of_kind, malformed FROM eval_checks")
    assert found == [["exact", "", 1.0, "", False]]


def test_exports_have_the_ship_check_of_each_file(full: WorkspacePaths, ask: Ask) -> None:
    sql = "SELECT type, verdict, reasons, greedy_agreement FROM exports ORDER BY type"
    assert ask(sql) == [["q8_0", "WARN", ["a reason"], 0.75], ["safetensors", None, None, None]]


def test_a_passage_knows_whether_the_answer_cites_it(full: WorkspacePaths, ask: Ask) -> None:
    sql = "SELECT rank, doc, cited FROM retrieval WHERE trace_id = 't1' ORDER BY rank"
    assert ask(sql) == [[1, "a.md", False], [2, "b.md", True]]
    assert ask("SELECT question FROM traces WHERE trace_id = 't1'") == [["Why?"]]


@pytest.mark.parametrize("spec", [b"", b"{}", b"not json"])
def test_a_folder_without_a_readable_spec_is_no_run(full: WorkspacePaths, ask: Ask, spec: bytes) -> None:
    (full.runs / "broken").mkdir()
    (full.runs / "broken" / "spec.json").write_bytes(spec)
    assert ask("SELECT count(*) FROM runs") == [[4]]


def test_a_time_that_is_none_does_not_stop_the_fold(paths: WorkspacePaths, ask: Ask) -> None:
    wrong = trace("t1")
    wrong.time = "yesterday"
    append_lines(paths.traces / "day.jsonl", [wrong])
    assert ask("SELECT trace_id, time FROM traces") == [["t1", None]]


class alive:
    """A worker lives: its lock is held."""

    def __init__(self, folder: RunFolder) -> None:
        self.lock = FileLock(folder.lock)

    def __enter__(self) -> None:
        assert self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()
