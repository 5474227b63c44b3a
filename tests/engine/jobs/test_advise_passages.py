"""The job `advise` where the answer stands in documents: search that finds it, and search that does not."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import msgspec
import pytest

from engine.jobs.advise import AdviseParams
from engine.jobs.ingest import IngestParams
from scripts.tiny_base import words
from scripts.tiny_base.reading import made_up
from store import runs
from store.paths import default_embedder
from store.records.advice import Advice
from store.workspace import Workspace
from tests.workers import run_here

SETTINGS = """
[models.tiny]
path = "builtin:tiny"
[knowledge.docs]
sources = ["knowledge"]
chunk_tokens = 96
[variants.base]
model = "tiny"
prompt = "base.md"
top_k = 1
[variants.base.sampling]
max_tokens = 16
"""
CASES = 24

pytestmark = pytest.mark.skipif(
    not default_embedder().is_file(), reason="no embedder (scripts/setup makes it)"
)


def planted(root: Path, named: bool) -> Workspace:
    """Made-up products, each in a document of its own, to be sorted by what it says.

    `named`: the questions name the product; else they call it what no document does.
    """
    random = Random(5)
    cases = []
    (root / "knowledge").mkdir()
    for _ in range(CASES):
        name, group = made_up(random).capitalize() + made_up(random), random.choice(words.read_groups())
        text = f"{name}: {', '.join(random.sample(group.words, 4))}.\n"
        (root / "knowledge" / f"{name}.md").write_text(text, encoding="utf-8")
        asked = name if named else made_up(random).capitalize() + made_up(random)
        sources = [f"{name}.md"]
        cases.append(
            {
                "id": name,
                "input": f"{asked}: which group?",
                "expected": group.name,
                "expected_sources": sources,
            }
        )
    suite = {"name": "s", "cases": cases, "checks": [{"kind": "exact"}]}
    for file, text in {
        "temper.toml": SETTINGS,
        "base.md": "One group, please.",
        "s.yaml": json.dumps(suite),
    }.items():
        (root / file).write_text(text, encoding="utf-8")
    return Workspace(root)


@pytest.mark.parametrize(
    ("named", "candidate", "binding"), [(True, "retrieval", "knowledge"), (False, "gold", "retrieval")]
)
def test_what_the_documents_say_is_retrieved_or_the_search_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool, candidate: str, binding: str
) -> None:
    monkeypatch.setenv("TEMPER_RUNTIME_DIR", str(tmp_path / "runtime"))
    (tmp_path / "w").mkdir()
    workspace = planted(tmp_path / "w", named)
    assert runs.view(run_here(workspace, "ingest", IngestParams("docs"), "docs")).state == "finished"

    view = runs.view(run_here(workspace, "advise", AdviseParams("s.yaml"), "s"))

    assert view.state == "finished", view.error
    advice = msgspec.convert(view.result["advice"], Advice)
    assert (advice.verdict, advice.candidate, advice.binding) == ("retrieval", candidate, binding)
    lines = {line.approach: line for line in advice.ranking}
    assert lines["gold"].score - lines["bare"].score > 0.3
    if not named:
        assert lines["gold"].score - lines["retrieval"].score > 0.3
        assert any("Better search could gain up to" in line for line in advice.says)
