"""All cases through one answerer: results as they come, faults of the tool apart from wrong answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import pytest

from engine.evals.checks import compile_checks
from engine.evals.run import Asking, Item, Terms, judged, run, total
from engine.evals.trajectory import MOST_ROUNDS, Answered
from store.errors import TemperError
from store.records.data import Message, ToolCall
from store.records.evals import (
    Case,
    CaseResult,
    Check,
    CheckResult,
    ChoiceScore,
    ExpectedCall,
    ToolResult,
)
from store.records.knowledge import Hit
from store.records.traces import Citation, Timings

CHECKS = compile_checks([Check("exact"), Check("contains", options={"value": "l"})])
TERMS = Terms("mine", "base", "hash")
CASES = [
    Case("c1", "card?", expected="lost", tags=["cards"]),
    Case("c2", "money?", expected="refund", before=[Message("system", "Be short.")]),
    Case("c3", "bill?", expected="bill"),
]


class Said(msgspec.Struct):
    """An answer."""

    text: str
    error: str = ""
    finish_reason: str = "stop"
    prompt_tokens: int = 7
    completion_tokens: int = 2
    citations: list[Citation] = []
    hits: list[Hit] = []
    tool_calls: list[ToolCall] = []
    choices: list[ChoiceScore] = []
    timings: Timings = msgspec.field(default_factory=lambda: Timings(1.0, 2.0, 4.0))


class Scripted:
    """Answers by the last thing said, the last conversation first; an error in the script is raised."""

    def __init__(self, script: dict[str, str | Said | Exception]) -> None:
        self.heard: list[list[Message]] = []
        self._script = script

    def __call__(self, pending: Sequence[Asking]) -> Iterator[tuple[int, Answered]]:
        for index in reversed(range(len(pending))):
            messages = pending[index].trajectory.messages
            self.heard.append(list(messages))
            said = self._script[messages[-1].content]
            if isinstance(said, Exception):
                raise said
            yield index, said if isinstance(said, Said) else Said(said)


def asked(cases: Sequence[Case], script: Scripted, checks: Sequence[Check] = ()) -> dict[str, CaseResult]:
    """The results of the cases by their ids."""
    compiled = compile_checks(checks) if checks else CHECKS
    results = run(TERMS, [Item(case, compiled) for case in cases], script, lambda result: None)
    return {result.case: result for result in results}


def test_a_case_passes_when_all_checks_do_and_its_score_is_their_mean() -> None:
    results = asked(CASES, Scripted({"card?": "lost", "money?": "lots", "bill?": "a bill"}))

    assert {name: (one.passed, one.score) for name, one in results.items()} == {
        "c1": (True, 1),
        "c2": (False, 0.5),
        "c3": (False, 0.5),
    }


def test_a_result_says_what_was_asked_what_came_and_what_it_cost() -> None:
    result = asked(CASES[:2], Scripted({"card?": "lost", "money?": "lots"}))["c1"]

    assert (result.suite, result.variant, result.input, result.output) == ("mine", "base", "card?", "lost")
    assert (result.expected, result.tags, result.slices, result.error) == ("lost", ["cards"], ["cards"], "")
    assert (result.prompt_tokens, result.completion_tokens, result.latency_ms) == (7, 2, 4.0)
    assert (result.variant_hash, len(result.case_hash), len(result.checks_hash)) == ("hash", 16, 16)
    assert result.finish_reason == "stop"


def test_the_turns_before_the_question_are_asked_along() -> None:
    script = Scripted({"money?": "refund"})

    asked(CASES[1:2], script)

    assert script.heard == [[Message("system", "Be short."), Message("user", "money?")]]


def test_each_result_is_handed_over_before_the_next_answer_is_awaited() -> None:
    script = Scripted({"card?": "lost", "money?": "refund", "bill?": "bill"})
    by_then: list[int] = []

    run(TERMS, [Item(case, CHECKS) for case in CASES], script, lambda _: by_then.append(len(script.heard)))

    assert by_then == [1, 2, 3]


def test_whoever_takes_the_results_may_end_the_run() -> None:
    script = Scripted({"bill?": "bill"})

    def stop(result: CaseResult) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(TERMS, [Item(case, CHECKS) for case in CASES], script, stop)

    assert len(script.heard) == 1


def test_a_conversation_that_the_answerer_cannot_take_fails_every_check_and_the_run_goes_on() -> None:
    refusal = Said("", error="The conversation is too long: It has 900 tokens.")

    results = asked(CASES, Scripted({"card?": refusal, "money?": "refund", "bill?": "bill"}))

    assert results["c1"].error == "The conversation is too long: It has 900 tokens."
    assert [(c.kind, c.passed, c.detail) for c in results["c1"].checks] == [
        ("exact", False, "no answer"),
        ("contains", False, "no answer"),
    ]
    assert (results["c1"].passed, results["c1"].output, len(results)) == (False, "", 3)


@pytest.mark.parametrize(
    "fault", [TemperError("The server is gone", "Exit 9.", "Start it."), RuntimeError("broken")]
)
def test_any_other_error_ends_the_run_and_what_came_before_was_handed_over(fault: Exception) -> None:
    emitted: list[str] = []
    items = [Item(case, CHECKS) for case in CASES]

    with pytest.raises(type(fault)):
        run(TERMS, items, Scripted({"bill?": "bill", "money?": fault}), lambda r: emitted.append(r.case))

    assert emitted == ["c3"]


def test_the_next_turn_is_asked_once_the_last_was_answered() -> None:
    case = Case("c", "Hi", expected="Six.", turns=["And then?"])
    script = Scripted({"Hi": "Five.", "And then?": "Six."})

    result = asked([case], script, [Check("exact")])["c"]

    assert result.passed
    assert script.heard[-1] == [
        Message("user", "Hi"),
        Message("assistant", "Five."),
        Message("user", "And then?"),
    ]
    assert [step.content for step in result.steps] == ["Five.", "And then?", "Six."]
    assert (result.prompt_tokens, result.latency_ms) == (14, 8.0)


def test_a_call_gets_the_result_that_the_case_has_for_it_and_the_calls_are_judged() -> None:
    case = Case(
        "c",
        "Weather in Paris?",
        expected="Rain.",
        tool_results=[
            ToolResult("weather", "no idea"),
            ToolResult("weather", "rain", {"city": "Paris"}),
        ],
        expected_tool_calls=[ExpectedCall("weather", {"city": "Paris"})],
    )
    script = Scripted({"Weather in Paris?": "[weather(city='Paris')]", "rain": "Rain."})

    result = asked([case], script, [Check("exact"), Check("tool_call")])["c"]

    assert result.passed
    assert [call.name for call in result.tool_calls] == ["weather"]
    assert [step.role for step in result.steps] == ["assistant", "tool", "assistant"]


def test_a_model_that_calls_tools_for_ever_is_stopped() -> None:
    case = Case("c", "Go", tool_results=[ToolResult("look", "again")])
    script = Scripted({"Go": "[look()]", "again": "[look()]"})

    result = asked([case], script, [Check("regex", options={"value": "."})])["c"]

    assert result.error == f"no end behind {MOST_ROUNDS} answers"
    assert len(script.heard) == MOST_ROUNDS


def test_a_check_that_cannot_judge_leaves_the_case_without_a_verdict() -> None:
    result = asked(
        CASES[:1], Scripted({"card?": "lost"}), [Check("exact"), Check("judge", options={"rubric": "x"})]
    )["c1"]

    assert not result.judged
    assert not result.passed
    assert result.score == 1.0


@pytest.mark.parametrize(
    ("checks", "threshold", "passed", "score"),
    [
        ([(True, 1, 1), (False, 0, 3)], None, False, 0.25),
        ([(True, 1, 1), (False, 0, 0)], None, True, 1.0),
        ([(True, 1, 3), (False, 0, 1)], 0.75, True, 0.75),
        ([(True, 1, 3), (False, 0, 1)], 0.8, False, 0.75),
        ([], None, False, 0.0),
    ],
)
def test_weights_count_in_the_score_and_a_threshold_takes_the_place_of_all_checks(
    checks: list[tuple[bool, float, float]], threshold: float | None, passed: bool, score: float
) -> None:
    results = [CheckResult("c", ok, value, weight=weight) for ok, value, weight in checks]

    assert total(results, threshold) == (passed, score)


def test_an_answer_can_be_judged_again_by_other_checks() -> None:
    result = asked(CASES[:1], Scripted({"card?": "Lost."}))["c1"]
    assert not result.passed

    again = judged(result, Item(CASES[0], compile_checks([Check("normalised")])))

    assert again.passed
    assert [check.kind for check in again.checks] == ["normalised"]


def test_a_negated_check_passes_where_it_would_fail() -> None:
    checks = [Check("exact", negate=True), Check("squad_f1", threshold=0.5, negate=True)]

    results = asked(CASES[:2], Scripted({"card?": "lost", "money?": "no"}), checks)

    assert [(one.passed, one.score) for one in results["c1"].checks] == [(False, 0.0), (False, 0.0)]
    assert [(one.passed, one.score) for one in results["c2"].checks] == [(True, 1.0), (True, 1.0)]


def test_a_case_with_a_threshold_passes_at_its_own() -> None:
    [case] = [msgspec.structs.replace(CASES[0], threshold=0.5)]
    checks = [Check("exact"), Check("contains", options={"value": "x"})]

    assert asked([case], Scripted({"card?": "lost"}), checks)["c1"].passed
    assert not asked([CASES[0]], Scripted({"card?": "lost"}), checks)["c1"].passed


@pytest.mark.parametrize(
    "answer",
    [
        '{"name": "f", "arguments": {"a": "\\ud800"}}',
        '[f(a="\\ud800")]',
        '{"a": "\\ud800"}',
        '{"a": 1' + "0" * 5_000 + "}",
        "[f(a=" + "[" * 3_000 + ")]",
        '{"a": ' * 3_000,
    ],
)
def test_no_answer_of_a_model_ends_the_run_or_cannot_be_kept(answer: str) -> None:
    case = Case("c", "call?", expected='{"a": "x"}', expected_tool_calls=[ExpectedCall("f", {"a": "x"})])
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    checks = [
        Check("tool_call"),
        Check("json_fields"),
        Check("json_schema", options={"schema": schema}),
        Check("json_schema", options={"schema": schema, "within": True}),
        Check("exact"),
        Check("numeric", options={"value": 1.0}),
    ]

    results = asked([case], Scripted({"call?": answer}), checks)

    assert not results["c"].passed
    assert msgspec.json.decode(msgspec.json.encode(results["c"]), type=CaseResult).output == answer
