"""The job `evaluate` on a real tiny model: answers kept, taken over, judged again; epochs; faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.evals import stored
from engine.inference import opening
from engine.inference.opening import open_composition
from engine.jobs.evaluate import EvaluateParams
from engine.jobs.evaluating import asking
from store import runs
from store.records.evals import CaseResult, VariantScore
from store.records.events import Notice
from store.runs import RunFolder
from store.workspace import Workspace
from tests.engine.jobs.conftest import make_workspace
from tests.ggufs import tiny_f32
from tests.workers import events_of, resume_here, run_here

SUITE = """
name: mine
cases:
  - {id: c1, input: hello, expected: x, tags: [critical]}
  - {id: c2, input: where is my card, expected: y, group: g}
  - {id: c3, input: WHERE is my card, expected: y, group: g}
checks:
  - {kind: exact}
"""
TIMED = "  - {kind: latency, max_ms: 600000}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Workspace:
    """A workspace with a greedy and a sampling variant."""
    workspace = make_workspace(tmp_path / "shop")
    with workspace.paths.settings.open("a") as file:
        file.write(f'[models.f32]\npath = "{tiny_f32()}"\n')
        file.write('[variants.greedy]\nmodel = "f32"\nsampling = {max_tokens = 4}\n')
        file.write('[variants.warm]\nmodel = "f32"\nsampling = {max_tokens = 4, temperature = 1.0}\n')
    write(workspace, SUITE)
    return Workspace(workspace.root)


def write(workspace: Workspace, text: str) -> None:
    (workspace.paths.evals / "mine.yaml").write_text(text, encoding="utf-8")


def evaluate(workspace: Workspace, variant: str = "greedy", **more: Any) -> RunFolder:
    return run_here(workspace, "evaluate", EvaluateParams("mine", [variant], **more), "mine")


def results_of(folder: RunFolder) -> list[CaseResult]:
    return sorted(stored.read(folder.results), key=lambda one: (one.epoch, one.case))


def notices_of(folder: RunFolder) -> list[Notice]:
    return [event for event in events_of(folder, Notice) if isinstance(event, Notice)]


def score_in(folder: RunFolder) -> VariantScore:
    return msgspec.convert(runs.view(folder).result["variants"][0], VariantScore)


def test_a_result_holds_what_was_asked_and_the_score_its_slices(shop: Workspace) -> None:
    folder = evaluate(shop)

    first, *_ = results_of(folder)
    assert (first.case, first.slices, first.cached, first.finish_reason != "") == (
        "c1",
        ["critical"],
        False,
        True,
    )
    assert first.completion_tokens > 0
    assert "hello" in first.prompt
    score = score_in(folder)
    assert (score.n, score.cases, list(score.slices)) == (3, 3, ["critical"])
    assert score.sha256 == first.variant_hash
    assert score.fragility == 0.0


def test_the_same_question_to_the_same_variant_is_answered_once(shop: Workspace) -> None:
    first = evaluate(shop)
    write(shop, SUITE.replace("expected: x", "expected: z").replace("hello", "hello there"))

    again = results_of(evaluate(shop))

    assert [one.cached for one in again] == [False, True, True]
    assert [one.output for one in again[1:]] == [one.output for one in results_of(first)[1:]]
    assert not any(one.cached for one in results_of(evaluate(shop, fresh=True)))


def test_answers_are_judged_again_by_the_checks_of_now_without_being_asked(shop: Workspace) -> None:
    first = evaluate(shop)
    write(shop, SUITE.replace("kind: exact", "kind: length, max: 1000").replace("hello", "hello there"))
    (shop.root / "temper.toml").write_text("")  # the variant is gone

    folder = evaluate(Workspace(shop.root), rescore=first.run_id)

    results = results_of(folder)
    assert [(one.case, one.passed, one.cached) for one in results] == [("c2", True, True), ("c3", True, True)]
    assert score_in(folder).score == 1.0
    assert any("1 of 3 cases have no answer" in one.title for one in notices_of(folder))


def test_answers_whose_time_is_judged_are_asked_for_one_at_a_time(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def opened(*given: Any, one_by_one: bool) -> Any:
        asked.append(one_by_one)
        return open_composition(*given, one_by_one=one_by_one)

    monkeypatch.setattr(opening, "open_composition", opened)
    evaluate(shop)
    write(shop, SUITE.replace("  - {id: c1, input: hello", "  - {id: c9, input: hello again") + TIMED)
    folder = evaluate(shop)

    assert asked == [False, True]
    assert all(one.checks[-1].passed for one in results_of(folder))


CHOSEN = """
name: mine
choices: [lost_card, refund]
cases:
  - {id: c1, input: I lost my card, expected: lost_card}
  - {id: c2, input: my money back, expected: refund}
checks:
  - {kind: exact}
"""


def test_an_answer_that_is_chosen_is_the_likeliest_and_its_figures_are_kept(shop: Workspace) -> None:
    write(shop, CHOSEN)

    asked, again = results_of(evaluate(shop)), results_of(evaluate(shop))

    for result in asked:
        assert result.output == max(result.choices, key=lambda one: one.logprob).text
        assert result.passed == (result.output == result.expected)
        assert result.completion_tokens == 0
    assert [(one.cached, one.choices) for one in again] == [(True, one.choices) for one in asked]
    write(shop, CHOSEN.replace("refund]", "refund, other]"))
    assert not any(one.cached for one in results_of(evaluate(shop)))


def test_what_the_gpu_drew_is_counted_from_when_the_model_is_there(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    drawn = iter([100.0, 130.0])

    def counter() -> float:
        happened.append("counted")
        return next(drawn)

    def opened(*given: Any, **more: Any) -> Any:
        happened.append("loaded")
        return open_composition(*given, **more)

    monkeypatch.setattr(asking, "energy_counter", lambda device: counter)
    monkeypatch.setattr(opening, "open_composition", opened)

    score = score_in(evaluate(shop))

    assert score.cost is not None
    assert score.cost.joules == pytest.approx(30.0 / 3)
    assert happened == ["loaded", "counted", "counted"]


def test_an_interrupted_run_goes_on_where_it_was(shop: Workspace) -> None:
    folder = evaluate(shop)
    lines = folder.results.read_bytes().splitlines(keepends=True)
    folder.results.write_bytes(lines[0] + lines[1][:20])  # as a kill leaves it

    resume_here(folder)

    assert folder.results.read_bytes().startswith(lines[0])
    assert [one.case for one in results_of(folder)] == ["c1", "c2", "c3"]
    assert score_in(folder).n == 3


def test_results_of_a_suite_that_was_changed_meanwhile_are_not_mixed_in(shop: Workspace) -> None:
    folder = evaluate(shop)
    write(shop, SUITE.replace("{kind: exact}", "{kind: normalised}"))

    resume_here(folder)

    assert {check.kind for one in results_of(folder) for check in one.checks} == {"normalised"}
    assert len(results_of(folder)) == 3


def test_verdicts_by_a_schema_that_was_edited_meanwhile_are_not_mixed_in(shop: Workspace) -> None:
    schema = shop.paths.evals / "shape.json"
    schema.write_text('{"type": "object"}')
    write(shop, SUITE.replace("kind: exact", "kind: json_schema, schema: shape.json"))
    folder = evaluate(shop)
    before = results_of(folder)
    schema.write_text('{"type": "array"}')

    resume_here(folder)

    after = results_of(folder)
    assert {one.case: one.output for one in after} == {one.case: one.output for one in before}
    assert not {one.checks_hash for one in after} & {one.checks_hash for one in before}


def test_epochs_ask_again_with_other_seeds_and_count_as_one_case(shop: Workspace) -> None:
    folder = evaluate(shop, "warm", epochs=3)

    assert [one.seed for one in results_of(folder)] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert (score_in(folder).n, score_in(folder).cases, score_in(folder).epochs) == (9, 3, 3)


def test_epochs_of_a_greedy_variant_are_asked_once(shop: Workspace) -> None:
    folder = evaluate(shop, epochs=3)

    assert len(results_of(folder)) == 3
    assert any("temperature 0" in one.text for one in notices_of(folder))


def test_a_variant_that_is_gone_fails_the_run_and_what_came_before_is_kept(shop: Workspace) -> None:
    params = EvaluateParams("mine", ["greedy", "vanished"])

    folder = run_here(shop, "evaluate", params, "mine")

    view = runs.view(folder)
    assert view.state == "failed"
    assert view.error is not None
    assert "vanished" in view.error.title
    assert len(results_of(folder)) == 3


def test_a_check_that_breaks_leaves_the_others_and_the_run(shop: Workspace) -> None:
    (shop.root / "own.py").write_text("def broken(output, case):\n    raise RuntimeError(case['id'])\n")
    settings = shop.paths.settings.read_text()
    shop.paths.settings.write_text("[workspace]\npython_checks = true\n" + settings)
    write(shop, SUITE + "  - {kind: python, function: 'own.py:broken', only: [critical]}\n")

    folder = evaluate(Workspace(shop.root))

    first, second, _ = results_of(folder)
    assert (first.judged, first.checks[1].error) == (False, "own.py:broken raised RuntimeError: c1")
    assert second.judged
    assert (score_in(folder).n, score_in(folder).errors) == (2, 1)


def test_a_judge_of_the_same_weights_judges_itself_whatever_its_prompt(shop: Workspace) -> None:
    with (shop.root / "temper.toml").open("a") as file:
        file.write('[variants.told]\nmodel = "f32"\nprompt = "told.md"\nsampling = {max_tokens = 4}\n')
    (shop.root / "told.md").write_text("Be brief.")
    write(
        shop, SUITE + "  - {kind: judge, rubric: 'It is polite.'}\njudge: {model: greedy, max_tokens: 200}\n"
    )

    score = score_in(evaluate(Workspace(shop.root), "told"))

    assert (score.judge, score.judges_itself) == ("greedy", True)


def test_the_model_judges_under_a_grammar_and_it_is_said_when_it_judges_itself(shop: Workspace) -> None:
    judge = SUITE + "  - {kind: judge, rubric: 'It is polite.'}\njudge: {model: greedy, max_tokens: 200}\n"
    write(shop, judge)

    folder = evaluate(shop)

    score = score_in(folder)
    assert (score.judge, score.judges_itself) == ("greedy", True)
    for result in results_of(folder):
        verdict = result.checks[1]
        assert verdict.error or (verdict.by == "greedy" and verdict.score in (0, 0.25, 0.5, 0.75, 1))
