"""A check in its real, detached worker, stopped, and what it leaves behind; a model that writes questions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.jobs import launch
from engine.jobs.ingest import IngestParams
from engine.jobs.kb_check import REPORT, RESULTS, KbCheckParams
from engine.jobs.kb_questions import KbQuestionsParams, model_for
from store import runs
from store.errors import UsageError
from store.paths import default_embedder
from store.records.events import Progress
from store.workspace import Workspace
from tests.workers import end, events_of, run_here, wait_until

pytestmark = pytest.mark.skipif(
    not default_embedder().is_file(), reason="no embedder (scripts/setup makes it)"
)


@pytest.fixture
def library(workspace: Workspace) -> Workspace:
    """The workspace with a built knowledge base of one document."""
    with workspace.paths.settings.open("a", encoding="utf-8") as file:
        file.write('\n[knowledge.docs]\nsources = ["knowledge"]\n')
    (workspace.root / "knowledge").mkdir()
    (workspace.root / "knowledge" / "fees.md").write_text(
        "# Fees\n\nA transfer pays gas.\n", encoding="utf-8"
    )
    found = Workspace(workspace.root)
    run_here(found, "ingest", IngestParams("docs"), "ingest docs")
    return found


def questions(workspace: Workspace, count: int) -> Path:
    path = workspace.root / "q.jsonl"
    rows = [{"question": f"What does transfer {n} pay?", "expected": ["fees.md"]} for n in range(count)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_check_leaves_its_report_and_a_line_per_question_and_arm(library: Workspace) -> None:
    path = questions(library, 3)
    run = launch.start(
        library, "kb_check", KbCheckParams("docs", str(path), arms=[{"diversity": "1"}]), "check"
    )
    end(run)
    assert runs.view(run).state == "finished"
    assert json.loads((run.artifacts / REPORT).read_bytes())["questions"] == 3
    lines = [json.loads(line) for line in (run.artifacts / RESULTS).read_text(encoding="utf-8").splitlines()]
    assert [line["arm"] for line in lines] == ["published"] * 3 + ["diversity=1"] * 3
    assert lines[0]["found"][0].startswith("knowledge/fees.md:")


def test_a_check_that_is_stopped_while_it_builds_leaves_nothing_of_it(library: Workspace) -> None:
    path = questions(library, 1)
    long = "".join(
        f"Passage {n} tells of gas, wallets and phrases in order number {n}. " for n in range(4_000)
    )
    (library.root / "knowledge" / "long.txt").write_text(long, encoding="utf-8")
    arm = {"chunk_tokens": "16"}
    run = launch.start(library, "kb_check", KbCheckParams("docs", str(path), arms=[arm]), "check docs")
    phase = "embed, chunk_tokens=16"
    wait_until(lambda: phase in [one.phase for one in events_of(run, Progress) if isinstance(one, Progress)])
    run.request_stop()
    end(run)
    assert runs.view(run).state == "cancelled"
    assert not list(run.path.glob("beside-*"))
    assert not (run.artifacts / REPORT).exists()


def test_who_writes_the_questions_is_asked_where_nobody_is_named(library: Workspace) -> None:
    with pytest.raises(UsageError, match="Which model"):
        model_for(library, "docs", None)
    assert model_for(library, "docs", "tiny") == "tiny"


def test_a_model_that_writes_no_question_is_told_and_nothing_is_written(library: Workspace) -> None:
    out = library.root / "evals" / "retrieval" / "docs.yaml"
    run = run_here(library, "kb_questions", KbQuestionsParams("docs", 1, "tiny", str(out)), "questions")
    view = runs.view(run)
    assert view.state == "failed"
    assert view.error is not None
    assert view.error.title == "The model wrote no question that can be used"
    assert not out.exists()
