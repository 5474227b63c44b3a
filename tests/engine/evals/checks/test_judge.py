"""A model as judge: what it is shown, what its verdicts become, how far people agree with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from engine.evals.checks import Bench, compile_checks
from engine.evals.judging import Labelled, LocalJudge, agreement, read_labelled
from store.errors import UsageError
from store.records.data import Message
from store.records.evals import Check
from tests.engine.evals.checks.stage import judged


class Scripted:
    """Says what it was told to, and remembers what it was asked."""

    def __init__(self, *said: Any, ended: str = "stop") -> None:
        self.heard: list[str] = []
        self._said = list(said)
        self._ended = ended

    def __call__(self, messages: Sequence[Message], schema: dict[str, Any]) -> tuple[str, str]:
        self.heard.append(messages[-1].content)
        said = self._said.pop(0)
        return said if isinstance(said, str) else json.dumps({"reason": "so", **said}), self._ended


def bench_of(script: Scripted) -> Bench:
    return Bench(judge=LocalJudge("big", script))


@pytest.mark.parametrize(
    ("rating", "score", "passed"), [(5, 1, True), (4, 0.75, True), (3, 0.5, False), (1, 0, False)]
)
def test_a_rating_becomes_a_score_and_says_who_judged(rating: int, score: float, passed: bool) -> None:
    script = Scripted({"score": rating})

    result = judged("judge", "It is 5.", "five", bench=bench_of(script), rubric="Right and short")

    assert (result.score, result.passed, result.by) == (score, passed, "big")
    assert result.detail == f"{rating} of 5: so"
    for shown in ("Criterion: Right and short", "<expected>\nfive", "<answer>\nIt is 5.", "<question>\n?"):
        assert shown in script.heard[0]


@pytest.mark.parametrize(
    ("first", "second", "score"),
    [
        ("first", "second", 1.0),
        ("second", "first", 0.0),
        ("first", "first", 0.5),
        ("second", "second", 0.5),
        ("tie", "tie", 0.5),
    ],
)
def test_a_pair_is_asked_in_both_orders_so_that_position_alone_wins_nothing(
    first: str, second: str, score: float
) -> None:
    script = Scripted({"better": first}, {"better": second})

    result = judged("judge_pairwise", "mine", "theirs", bench=bench_of(script))

    assert result.score == score
    assert script.heard[0].index("mine") < script.heard[0].index("theirs")
    assert script.heard[1].index("theirs") < script.heard[1].index("mine")


@pytest.mark.parametrize(
    ("said", "ended", "error"),
    [
        ("so so so", "length", "the judge big came to no end within its tokens"),
        ("not JSON", "stop", "the judge big gave no verdict: not JSON"),
        ('{"reason": "a", "score": 9}', "stop", "the judge big gave no verdict: $.score"),
    ],
)
def test_a_judge_without_a_verdict_is_an_error_and_no_zero(said: str, ended: str, error: str) -> None:
    result = judged("judge", "a", bench=bench_of(Scripted(said, ended=ended)), rubric="Good")

    assert result.error.startswith(error)


def test_without_a_judge_at_hand_the_check_cannot_judge() -> None:
    assert "names no judge" in judged("judge", "a", rubric="Good").error
    with pytest.raises(ValueError, match="judge needs `rubric`"):
        judged("judge", "a")


def test_agreement_is_the_share_and_what_chance_would_not_give() -> None:
    ratings = [5, 5, 1, 5]
    labels = ["pass", "pass", "fail", "fail"]
    script = Scripted(*({"score": rating} for rating in ratings), "nonsense")
    [check] = compile_checks([Check("judge", options={"rubric": "Good"})], bench_of(script))
    answers = [Labelled("?", "a", label) for label in [*labels, "pass"]]  # type: ignore[arg-type]  # from a list

    found = agreement(check, answers)

    assert (found.check, found.n, found.share, found.errors) == ("judge", 4, 0.75, 1)
    assert found.kappa == pytest.approx((0.75 - 0.5) / 0.5)


def test_judged_answers_are_read_and_a_wrong_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "judged.jsonl"
    file.write_text('{"input": "?", "output": "a", "label": "pass"}\n\n')
    assert [one.label for one in read_labelled(file)] == ["pass"]
    file.write_text('{"input": "?", "output": "a", "label": "good"}\n')
    with pytest.raises(UsageError, match="line 1"):
        read_labelled(file)
