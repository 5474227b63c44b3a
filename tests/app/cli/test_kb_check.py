"""`temper kb check` with the real embedder and a small knowledge base; the first one with a worker."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from store import labels
from store.paths import default_embedder
from store.workspace import Workspace
from tests.app.cli.conftest import Temper

pytestmark = pytest.mark.skipif(
    not default_embedder().is_file(), reason="no embedder (scripts/setup makes it)"
)

DOCUMENTS = {
    "fees.md": "# Fees\n\nGas is counted in gwei. A transfer takes 3 days at most to reach a bank.\n",
    "opening.md": "The office is open from nine to five.\n",
    "old-fees.md": "Gas goes to the network. A transfer takes 5 days at most to reach a bank.\n",
}
QUESTIONS: list[dict[str, object]] = [
    {"question": "When can I come to the office?", "expected": ["opening.md"]},
    {"question": "How many days does a transfer take?", "quotes": ["takes 3 days"], "expected": ["fees.md"]},
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the knowledge base that was built first is kept: a copy costs less than a build."""
    return tmp_path_factory.mktemp("built") / "knowledge"


@pytest.fixture
def documents(temper: Temper, workspace: Workspace, built: Path) -> Workspace:
    """The workspace with a built knowledge base and questions about it."""
    for name, text in DOCUMENTS.items():
        (workspace.root / "knowledge" / name).write_text(text, encoding="utf-8")
    write(workspace, QUESTIONS)
    if built.exists():
        shutil.copytree(built, workspace.paths.knowledge)
    else:
        made = temper("kb", "ingest")
        assert made.code == 0, made.err
        shutil.copytree(workspace.paths.knowledge, built)
    return workspace


def write(workspace: Workspace, questions: list[dict[str, object]]) -> None:
    path = workspace.root / "evals" / "retrieval" / "docs.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in questions), encoding="utf-8")


def gate(workspace: Workspace, rules: str) -> None:
    """Rules for the knowledge base, whose table is not the last."""
    settings = workspace.paths.settings
    text = settings.read_text(encoding="utf-8")
    settings.write_text(f"{text}\n[knowledge.docs.gate]\n{rules}\n", encoding="utf-8")


def test_figures_by_stage_and_documents_at_odds_are_told(temper: Temper, documents: Workspace) -> None:
    found = temper("kb", "check", "--json")
    assert found.code == 0, found.err
    report = found.json()
    assert (report["questions"], report["spans"], report["gate"]["verdict"]) == (2, 1, "none")
    (arm,) = report["arms"]
    assert [stage["stage"] for stage in arm["stages"]] == ["meaning", "words", "fused", "sections", "search"]
    last = arm["stages"][-1]["figures"]
    assert (last["recall"]["mean"], last["recall"]["n"], last["token_recall"]["n"]) == (1.0, 2, 1)
    assert last["token_recall"]["mean"] == 1.0
    assert 0 < last["token_precision"]["mean"] < 1
    assert arm["latency"]["search"]["n"] == 2
    (odd,) = report["warnings"]["contradictions"]
    assert {odd["a"], odd["b"]} == {"knowledge/fees.md", "knowledge/old-fees.md"}
    shown = temper("kb", "check")
    assert "recall@5" in shown.out
    assert "2 questions are few" in shown.err
    assert "May contradict each other" in shown.err


@pytest.mark.usefixtures("here")
def test_other_settings_are_built_beside_and_never_published(temper: Temper, documents: Workspace) -> None:
    before = sorted((documents.paths.knowledge / "docs").rglob("*"))
    asked = temper(
        "kb", "check", "--compare", "chunker=recursive", "--compare", "chunk_tokens=16,64", "--by", "recall"
    )
    assert asked.code == 0, asked.err
    assert "chunker=recursive chunk_tokens=16" in asked.out
    assert "Take published" in asked.out
    assert sorted((documents.paths.knowledge / "docs").rglob("*")) == before
    assert not list(documents.paths.runs.glob("*/beside-*"))
    assert "chunk_tokens" not in documents.paths.settings.read_text(encoding="utf-8")


@pytest.mark.usefixtures("here")
def test_weights_and_search_settings_are_compared_without_a_build(
    temper: Temper, documents: Workspace
) -> None:
    asked = temper("kb", "check", "--compare", "weights=0:0:1:0", "--compare", "diversity=0,0.5", "--json")
    assert asked.code == 0, asked.err
    arms = asked.json()["arms"]
    assert [arm["name"] for arm in arms[1:]] == [
        "weights=0:0:1:0 diversity=0",
        "weights=0:0:1:0 diversity=0.5",
    ]
    assert {arm["seconds_to_build"] for arm in arms} == {0.0}


@pytest.mark.usefixtures("here")
def test_a_gate_says_no_with_code_five(temper: Temper, documents: Workspace) -> None:
    gate(documents, "min_recall = 0.9")
    assert temper("kb", "check", "--gate").code == 0
    write(documents, [{"question": "When are you open?", "expected": ["fees.md"]}])
    failed = temper("kb", "check", "-k", "1", "--gate")
    assert failed.code == 5
    assert "Gate: failed" in failed.out
    assert temper("kb", "check", "--min", "token_iou=0.1").code == 5
    assert temper("kb", "check", "--min", "mrr=0.1").code == 0


@pytest.mark.usefixtures("here")
def test_a_fall_below_the_blessed_baseline_says_no(temper: Temper, documents: Workspace) -> None:
    gate(documents, "max_fall = 0.0")
    missing = temper("kb", "check", "--gate")
    assert (missing.code, "No baseline was blessed" in missing.err) == (3, True)
    assert temper("kb", "check", "--bless").code == 0
    (label,) = labels.read(documents.paths, "baseline")
    assert label.target == "knowledge/docs"
    assert temper("kb", "check", "--gate").code == 0
    (documents.root / "knowledge" / "opening.md").write_text("Nobody knows.\n", encoding="utf-8")
    (documents.root / "knowledge" / "office.md").write_text("The office opens at nine.\n", encoding="utf-8")
    assert temper("kb", "ingest").code == 0
    fell = temper("kb", "check", "--gate")
    assert fell.code == 5
    assert "fell from" in fell.out


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["absent.yaml"], 3, "No such question file"),
        (["--gate"], 2, "There is no gate"),
        (["--compare", "chunkers=a"], 2, "Did you mean chunker?"),
        (["--compare", "chunk_tokens=many"], 2, "chunk_tokens=many"),
        (["--compare", "weights=1:2"], 2, "has 2 numbers"),
        (["--compare", "embedder=absent.gguf"], 3, "absent.gguf is no file"),
        (["--compare", "reranker=absent.gguf"], 3, "The reranker is not there"),
        (["--by", "token_iou", "documents.csv"], 2, "No question names a part"),
        (["gone.csv"], 2, "No question can be scored"),
        (["empty.csv"], 2, "There is no question to ask"),
        (["--min", "mrr=2"], 2, "That is no limit"),
        (["--model", "tiny"], 2, "go with --generate"),
    ],
)
def test_what_cannot_be_is_told_with_its_reason(
    temper: Temper, documents: Workspace, arguments: list[str], code: int, told: str
) -> None:
    for name, text in {
        "documents.csv": "question,expected\nOpen?,opening.md\n",
        "gone.csv": "question,expected\nOpen?,gone.md\n",
        "empty.csv": "question,expected\n",
    }.items():
        (Path.cwd() / name).write_text(text, encoding="utf-8")
    refused = temper("kb", "check", *arguments)
    assert (refused.code, told in refused.err) == (code, True), refused.err


@pytest.mark.usefixtures("here")
def test_a_question_about_a_document_that_is_gone_is_told_and_fails_a_gate(
    temper: Temper, documents: Workspace
) -> None:
    write(documents, [*QUESTIONS, {"question": "Where to park?", "expected": ["parking.md"]}])
    asked = temper("kb", "check", "--min", "mrr=0.1")
    assert asked.code == 5
    assert "Not asked: Where to park?" in asked.err
    assert "1 question could not be asked" in asked.out
