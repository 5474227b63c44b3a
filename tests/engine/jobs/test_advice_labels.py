"""Wrong references in an advice: what counts as one, who is a witness against it, and what it decides."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import pytest

from engine.evals.advisor.deciding import advise
from engine.jobs.advising.signs import signs_of
from store import labels
from store.records.advice import Approach
from store.records.evals import CaseResult, CheckResult
from store.records.labels import Label
from store.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "temper.toml").write_text("")
    return Workspace(tmp_path)


def answered(approach: Approach, wrong: Mapping[int, str]) -> list[CaseResult]:
    """Forty cases, of which those in `wrong` get that answer and fail, though the judge finds it right."""
    checks = [
        CheckResult("exact", False, 0.0, of_kind="exact"),
        CheckResult("judge", True, 1.0, by="big", of_kind="judge"),
    ]
    return [
        CaseResult(
            "s", approach, f"c{n}", f"ask {n}", wrong.get(n, "yes"), n not in wrong, 1.0, checks, "yes"
        )
        for n in range(40)
    ]


def test_one_model_behind_several_prompts_is_one_witness_against_a_reference(workspace: Workspace) -> None:
    mistakes = dict.fromkeys(range(10), "no")
    prompts: tuple[Approach, ...] = ("bare", "prompt", "few_shot")
    same = {name: answered(name, mistakes) for name in prompts}
    witness: dict[Approach, list[CaseResult]] = {"adapter": answered("adapter", mistakes)}

    alone = signs_of(workspace, "s", "run", same, [])
    with_another = signs_of(workspace, "s", "run", same | witness, [])

    assert (alone.noise_share, with_another.noise_share) == (0.0, 0.25)  # of the cases, not of the failures


def test_agreement_against_a_reference_without_a_judge_is_no_noise_and_a_decision_is(
    workspace: Workspace,
) -> None:
    mistakes = dict.fromkeys(range(10), "no")
    both: dict[Approach, list[CaseResult]] = {
        "bare": answered("bare", mistakes),
        "adapter": answered("adapter", mistakes),
    }
    for one in both["bare"]:
        one.checks = one.checks[:1]

    before = signs_of(workspace, "s", "run", both, [])
    labels.append(workspace.paths, Label("category", "s/c0#wrong_answer", "label_noise"))
    after = signs_of(workspace, "s", "run", both, [])

    assert (before.noise_share, after.noise_share) == (0.0, 0.25)  # of a whole group


@pytest.mark.parametrize(
    ("wrong", "wrong_with_prompt", "judge", "verdict"),
    [
        (12, 12, False, "not_yet"),
        (12, 2, False, "prompt"),
        (12, 12, True, "fix_data"),
        (12, 2, True, "prompt"),
        (1, 1, False, "not_yet"),
        (1, 0, True, "not_yet"),
    ],
)
def test_mistakes_that_an_adapter_shares_with_its_base_are_no_wrong_labels(
    workspace: Workspace, wrong: int, wrong_with_prompt: int, judge: bool, verdict: str
) -> None:
    given: dict[Approach, list[CaseResult]] = {
        "bare": answered("bare", dict.fromkeys(range(wrong), "no")),
        "prompt": answered("prompt", dict.fromkeys(range(wrong_with_prompt), "no")),
        "adapter": answered("adapter", dict.fromkeys(range(wrong), "no")),
    }
    for result in chain.from_iterable(given.values()):
        result.checks = result.checks if judge else result.checks[:1]

    signs = signs_of(workspace, "s", "run", given, [])

    assert advise("s", given, {}, signs, {}).verdict == verdict


def test_a_decision_holds_though_the_advice_sees_more_answers_than_who_decided(workspace: Workspace) -> None:
    mistakes = dict.fromkeys(range(10), "no")
    for number in mistakes:
        target = f"s/c{number}#wrong_answer"
        labels.append(workspace.paths, Label("category", target, "behaviour"))
    both: dict[Approach, list[CaseResult]] = {
        "bare": answered("bare", mistakes),
        "adapter": answered("adapter", mistakes),
    }

    signs = signs_of(workspace, "s", "run", both, [])

    assert (signs.ready, signs.noise_share) == (True, 0.0)
