"""A judge behind an API, through the whole job: verdicts, both orders, failures, agreement with people."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from engine.evals import stored
from engine.jobs.evaluate import EvaluateParams
from store import runs
from store.records.evals import Agreement, CaseResult, VariantScore
from store.workspace import Workspace
from tests.engine.evals.endpoint import Says, endpoint
from tests.engine.jobs.conftest import make_workspace
from tests.ggufs import tiny_f32
from tests.workers import run_here

SUITE = """
name: judged
judge: {model: big, max_tokens: 64%s}
cases:
  - {id: c1, input: one, expected: x}
  - {id: c2, input: two, expected: y}
  - {id: c3, input: three, expected: z}
checks:
  - %s
"""
RUBRIC = "{kind: judge, rubric: It is polite.}"


@pytest.fixture(autouse=True)
def own_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests beside this one do not queue behind it."""
    monkeypatch.setenv("TEMPER_RUNTIME_DIR", str(tmp_path / "runtime"))


def judged_by(
    says: Says, root: Path, check: str = RUBRIC, labelled: str = ""
) -> tuple[list[CaseResult], VariantScore, list[Agreement], list[str]]:
    """Results, score and agreement of a run whose judge is the API that answers `says`."""
    workspace = make_workspace(root / "shop")
    with endpoint(says) as (url, heard):
        with workspace.paths.settings.open("a") as file:
            file.write(f'[models.f32]\npath = "{tiny_f32()}"\n[models.big]\nurl = "{url}"\nmodel = "big"\n')
            file.write('[variants.greedy]\nmodel = "f32"\nsampling = {max_tokens = 4}\n')
        more = ""
        if labelled:
            (workspace.paths.evals / "judged.jsonl").write_text(labelled, encoding="utf-8")
            more = ", labelled: judged.jsonl"
        (workspace.paths.evals / "judged.yaml").write_text(SUITE % (more, check), encoding="utf-8")
        folder = run_here(
            Workspace(workspace.root), "evaluate", EvaluateParams("judged", ["greedy"]), "judged"
        )
    result = runs.view(folder).result
    [score] = msgspec.convert(result["variants"], list[VariantScore])
    results = sorted(stored.read(folder.results), key=lambda one: one.case)
    return results, score, msgspec.convert(result["judges"], list[Agreement]), heard


def verdict(**said: object) -> tuple[str, str]:
    return json.dumps({"reason": "so", **said}), "stop"


def test_a_judge_that_loops_babbles_or_fails_is_an_error_of_its_case_and_no_zero(tmp_path: Path) -> None:
    def says(asked: str) -> tuple[str, str]:
        if "<question>\none\n" in asked:
            return verdict(score=5)
        if "<question>\ntwo\n" in asked:
            return '{"reason": "so so so so', "length"
        return "500", "stop"

    results, score, _, _ = judged_by(says, tmp_path)

    assert [result.judged for result in results] == [True, False, False]
    assert (results[0].passed, results[0].checks[0].by) == (True, "big")
    assert "the judge big" in results[1].checks[0].error
    assert "the judge big could not be asked" in results[2].checks[0].error
    assert (score.n, score.errors, score.score, score.checks) == (1, 2, 1.0, {"judge": 1.0})
    assert (score.judge, score.judges_itself) == ("big", False)


def test_a_verdict_outside_the_schema_is_no_verdict(tmp_path: Path) -> None:
    _, score, _, _ = judged_by(lambda asked: verdict(score=6), tmp_path)

    assert (score.n, score.errors, score.checks) == (0, 3, {})


def test_a_pair_is_asked_in_both_orders_and_position_alone_wins_nothing(tmp_path: Path) -> None:
    results, score, _, heard = judged_by(
        lambda asked: verdict(better="first"), tmp_path, "{kind: judge_pairwise, threshold: 0.75}"
    )

    assert score.checks == {"judge_pairwise": 0.5}
    assert not any(result.passed for result in results)
    assert len(heard) == 6
    firsts = [text.partition("<answer first>\n")[2].partition("\n")[0] for text in heard]
    assert sorted(firsts) == sorted(
        ["x", "y", "z", *(result.output.partition("\n")[0] for result in results)]
    )


def test_agreement_with_people_is_measured_with_an_interval(tmp_path: Path) -> None:
    answers = ["good", "good", "bad", "bad", "good", "odd"]
    labels = ["pass", "pass", "fail", "fail", "fail", "pass"]
    labelled = "\n".join(
        json.dumps({"input": "?", "output": answer, "label": label})
        for answer, label in zip(answers, labels, strict=True)
    )

    def says(asked: str) -> tuple[str, str]:
        if "<answer>\nodd\n" in asked:
            return "nonsense", "stop"
        return verdict(score=5 if "<answer>\ngood\n" in asked else 1)

    _, _, [found], _ = judged_by(says, tmp_path, labelled=labelled)

    assert (found.check, found.n, found.errors, found.share) == ("judge", 5, 1, 0.8)
    assert found.kappa == pytest.approx((0.8 - 0.48) / 0.52)
    assert found.kappa_low < found.kappa < found.kappa_high <= 1
