"""All cases through one answerer: results as they come, faults of the tool apart from wrong answers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from engine.evals.checks import compile_checks
from engine.evals.run import CheckedCase, evaluate
from store.errors import TemperError, UsageError
from store.records.data import Message
from store.records.evals import Case, CaseResult, Check

CHECKS = compile_checks([Check("exact"), Check("contains", value="l")], {})
CASES: list[CheckedCase] = [
    (Case("c1", "card?", expected="lost", tags=["cards"]), CHECKS),
    (Case("c2", "money?", expected="refund", before=[Message("system", "Be short.")]), CHECKS),
    (Case("c3", "bill?", expected="bill"), CHECKS),
]


class Said(msgspec.Struct):
    """An answer."""

    text: str
    prompt_tokens: int = 7
    completion_tokens: int = 2


class Scripted:
    """Answers by the last question; an error in the script is raised."""

    def __init__(self, script: dict[str, str | Exception]) -> None:
        self.heard: list[list[Message]] = []
        self._script = script

    def answer(self, messages: Sequence[Message]) -> Said:
        self.heard.append(list(messages))
        said = self._script[messages[-1].content]
        if isinstance(said, Exception):
            raise said
        return Said(said)


def test_a_case_passes_when_all_checks_do_and_its_score_is_their_mean() -> None:
    results: list[CaseResult] = []

    score = evaluate(
        "mine",
        "base",
        CASES,
        Scripted({"card?": "lost", "money?": "lots", "bill?": "a bill"}),
        results.append,
    )

    assert [(r.case, r.passed, r.score) for r in results] == [
        ("c1", True, 1),
        ("c2", False, 0.5),
        ("c3", False, 0.5),
    ]
    assert (score.name, score.n, score.score) == ("base", 3, 1 / 3)
    assert score.stderr == pytest.approx((2 / 27) ** 0.5)
    assert score.checks == {"exact": pytest.approx(1 / 3), "contains": 1.0}


def test_a_result_says_what_was_asked_what_came_and_what_it_cost() -> None:
    results: list[CaseResult] = []

    evaluate("mine", "base", CASES[:1], Scripted({"card?": "lost"}), results.append)

    [result] = results
    assert (result.suite, result.variant, result.input, result.output) == ("mine", "base", "card?", "lost")
    assert (result.expected, result.tags, result.error) == ("lost", ["cards"], "")
    assert (result.prompt_tokens, result.completion_tokens) == (7, 2)
    assert result.latency_ms >= 0


def test_the_turns_before_the_question_are_asked_along() -> None:
    answerer = Scripted({"money?": "refund"})

    evaluate("mine", "base", CASES[1:2], answerer, lambda result: None)

    assert answerer.heard == [[Message("system", "Be short."), Message("user", "money?")]]


def test_each_result_is_handed_over_before_the_next_case_is_asked() -> None:
    answerer = Scripted({"card?": "lost", "money?": "refund", "bill?": "bill"})
    asked_by_then: list[int] = []

    evaluate("mine", "base", CASES, answerer, lambda result: asked_by_then.append(len(answerer.heard)))

    assert asked_by_then == [1, 2, 3]


def test_whoever_takes_the_results_may_end_the_run() -> None:
    answerer = Scripted({"card?": "lost"})

    def stop(result: CaseResult) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate("mine", "base", CASES, answerer, stop)

    assert len(answerer.heard) == 1


def test_a_conversation_that_the_answerer_cannot_take_fails_every_check_and_the_run_goes_on() -> None:
    refusal = UsageError("The conversation is too long", "It has 900 tokens.", "Shorten it.")
    results: list[CaseResult] = []

    score = evaluate(
        "mine",
        "base",
        CASES,
        Scripted({"card?": refusal, "money?": "refund", "bill?": "bill"}),
        results.append,
    )

    assert results[0].error == "The conversation is too long: It has 900 tokens."
    assert [(c.kind, c.passed, c.detail) for c in results[0].checks] == [
        ("exact", False, "no answer"),
        ("contains", False, "no answer"),
    ]
    assert (results[0].passed, results[0].output, len(results)) == (False, "", 3)
    assert score.checks["exact"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    "fault", [TemperError("The server is gone", "Exit 9.", "Start it."), RuntimeError("broken")]
)
def test_any_other_error_ends_the_run_and_what_came_before_is_kept(fault: Exception) -> None:
    results: list[CaseResult] = []

    with pytest.raises(type(fault)):
        evaluate("mine", "base", CASES, Scripted({"card?": "lost", "money?": fault}), results.append)

    assert [result.case for result in results] == ["c1"]


def test_no_cases_score_nothing() -> None:
    score = evaluate("mine", "base", [], Scripted({}), lambda result: None)

    assert (score.n, score.score, score.stderr, score.checks) == (0, 0.0, 0.0, {})
