"""A model behind an API wherever a model is asked: advice, rows known already, lines of context."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from engine.data.checks.already_known import check
from engine.jobs.advise import AdviseParams
from engine.jobs.advising.ways import Wanted
from engine.jobs.evaluate import EvaluateParams
from engine.jobs.evaluating import asking
from engine.retrieval.context_model import ContextModel
from store import datasets, runs
from store.errors import UsageError
from store.records.advice import Advice
from store.records.findings import CheckSettings
from store.workspace import Workspace
from tests.engine.data.checks.stage import basis_of, chat, lay
from tests.engine.inference.api_stage import Api, api
from tests.workers import run_here

__all__ = ["api"]
SETTINGS = """
[models.teacher]
url = "{url}"
model = "big"
[datasets.d]
source = "d.jsonl"
[variants.big]
model = "teacher"
"""
LOCAL = """
[models.tiny]
path = "builtin:tiny"
[variants.here]
model = "tiny"
[variants.here.sampling]
max_tokens = 8
[prices]
hosted_input = 2.0
hosted_output = 3.0
hour = 1.0
"""


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: Api) -> Workspace:
    """A suite of which the API gets half right, whatever it is asked."""
    monkeypatch.setenv("TEMPER_RUNTIME_DIR", str(tmp_path / "runtime"))
    cases = [{"id": f"c{n}", "input": f"ask {n}", "expected": "Hi" if n % 2 else "Bye"} for n in range(24)]
    suite = {"name": "s", "cases": cases, "checks": [{"kind": "exact"}]}
    (tmp_path / "evals").mkdir()
    (tmp_path / "evals" / "s.yaml").write_text(json.dumps(suite), encoding="utf-8")
    (tmp_path / "temper.toml").write_text(SETTINGS.format(url=api.url), encoding="utf-8")
    lay(Workspace(tmp_path).paths, [chat("say a", "Hi"), chat("say b", "Bye", split="heldout")])
    return Workspace(tmp_path)


def test_an_api_is_measured_through_every_approach_that_needs_no_weights(
    workspace: Workspace, api: Api
) -> None:
    (workspace.root / "better.md").write_text("Say it better.", encoding="utf-8")
    params = AdviseParams("evals/s.yaml", Wanted(prompt="better.md", rows="d"))

    view = runs.view(run_here(workspace, "advise", params, "s"))

    assert view.state == "finished", view.error
    advice = msgspec.convert(view.result["advice"], Advice)
    assert {line.approach: line.score for line in advice.ranking} == {
        "bare": 0.5,
        "prompt": 0.5,
        "few_shot": 0.5,
    }
    assert {line.tokens for line in advice.ranking} == {7.0}
    assert (advice.verdict, advice.binding) == ("not_yet", "none")
    last = [turn["content"] for turn in api.asked[-1]["messages"]]
    assert last[:3] == ["Say it better.", "say a", "Hi"]


def test_an_api_to_compare_with_costs_what_its_tokens_cost(workspace: Workspace, api: Api) -> None:
    settings = SETTINGS.format(url=api.url) + LOCAL
    (workspace.root / "temper.toml").write_text(settings, encoding="utf-8")
    params = AdviseParams("evals/s.yaml", Wanted("here", against="big"))

    view = runs.view(run_here(workspace, "advise", params, "s"))

    assert view.state == "finished", view.error
    advice = msgspec.convert(view.result["advice"], Advice)
    other = next(line for line in advice.ranking if line.approach == "other")
    assert (other.score, other.tokens) == (0.5, 7.0)
    assert other.cost == pytest.approx(1000 * (5 * 2.0 + 2 * 3.0) / 1e6)
    assert (advice.costs.against, advice.costs.hosted) == ("big", other.cost)
    assert advice.verdict == "not_yet"  # one and the same answer would get as many right


def test_what_an_api_draws_is_not_counted_at_this_machines_gpu(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "energy_counter", lambda device: lambda: 1.0)

    view = runs.view(run_here(workspace, "evaluate", EvaluateParams("evals/s.yaml", ["big"]), "s"))

    (scored,) = view.result["variants"]
    assert scored["cost"].get("joules") is None


def test_a_case_with_tools_is_asked_with_them(workspace: Workspace, api: Api) -> None:
    tool = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
    case = {"id": "a", "input": "Look it up", "expected": "Hi", "tools": [tool]}
    suite = {"name": "s", "cases": [case], "checks": [{"kind": "exact"}]}
    (workspace.root / "evals" / "s.yaml").write_text(json.dumps(suite), encoding="utf-8")

    run_here(workspace, "advise", AdviseParams("evals/s.yaml", Wanted()), "s")

    assert [body["tools"][0]["function"]["name"] for body in api.asked] == ["look_up"]


def test_an_api_that_answers_nothing_is_an_error_and_no_score_of_nought(
    workspace: Workspace, api: Api
) -> None:
    api.status = 404

    view = runs.view(run_here(workspace, "advise", AdviseParams("evals/s.yaml", Wanted()), "s"))

    assert view.error is not None
    assert view.error.title == "The API does not know that model or address"
    assert "404" in view.error.happened


def test_an_api_is_asked_what_it_knows_already(workspace: Workspace, api: Api) -> None:
    rows = [chat("say a", "Hi"), chat("say b", "Bye")]
    info = lay(workspace.paths, rows, name="d")
    path = datasets.version_folder(workspace.paths, info.name, info.version) / datasets.ROWS

    (found,) = check(basis_of(rows, CheckSettings(known=True, model="teacher"), path))

    assert found.figures == {"asked": 2, "known": 1, "failed": 0}


def test_an_api_writes_lines_of_context_and_what_it_refuses_is_not_counted_as_too_long(
    workspace: Workspace, api: Api
) -> None:
    with ContextModel(workspace, "teacher", lambda said: None) as model:
        api.says = "About fees."
        assert model.write("What is it about?") == "About fees."
        assert len(model.model_sha256) == 64

        api.status = 404
        with pytest.raises(UsageError, match="404"):
            model.write("What is it about?")

        assert model.too_long == 0
