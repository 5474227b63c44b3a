"""What a rule of triage may and may not conclude: kinds instead of names, weights, witnesses, words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.evals.triage.board import board
from engine.evals.triage.clustering import cluster
from engine.evals.triage.complaints import guess_from_words, read_complaints
from engine.evals.triage.guessing import failures_of, guess_of
from engine.evals.triage.seen import Seen
from store.records.data import Message
from store.records.evals import CaseResult, CheckResult
from store.records.labels import Label
from store.records.triage import CATEGORIES, Category, Failure, Guess


def failed(*checks: CheckResult, **more: Any) -> CaseResult:
    given: dict[str, Any] = {"input": "Which?", "output": "B", "expected": "C"} | more
    return CaseResult("s", "v", "c1", passed=False, score=0.0, checks=list(checks), **given)


def check(name: str, of_kind: str = "", **more: Any) -> CheckResult:
    return CheckResult(name, False, 0.0, "no", of_kind=of_kind, **more)


@pytest.mark.parametrize(
    ("failing", "category"),
    [
        (check("shape", "json_schema", malformed=True), "format"),
        (check("toned-down", "exact"), "behaviour"),
        (check("length", "exact"), "behaviour"),
        (check("brief", "length"), "tone"),
        (check("quick", "latency"), "product"),
        (check("calls", "tool_call"), "tool"),
        (check("answers", "refusal"), "refusal"),
        (check("cited", "citation_support"), "hallucination"),
        (check("length-2"), "tone"),
        (check("safety", "exact"), "behaviour"),
    ],
)
def test_a_check_is_known_by_its_kind_and_not_by_its_name(failing: CheckResult, category: str) -> None:
    assert guess_of(failed(failing)).category == category


@pytest.mark.parametrize("malformed", [True, False])
def test_a_wrong_choice_is_a_wrong_answer_and_only_no_choice_is_a_matter_of_form(malformed: bool) -> None:
    results = [failed(check("choice", "choice", malformed=malformed)) for _ in range(60)]

    (group,) = board("r", failures_of(results, "r"), {}).groups

    assert group.category == ("format" if malformed else "behaviour")


def test_a_check_of_weight_0_decides_nothing() -> None:
    reported = check("shape", "json_schema", malformed=True, weight=0.0)

    assert guess_of(failed(reported, check("exact", "exact"))).category == "behaviour"


@pytest.mark.parametrize("where", ["input", "expected", "messages"])
def test_a_key_that_the_case_itself_holds_is_not_given_away(where: str) -> None:
    key = "AKIAIOSFODNN7EXAMPLE"
    held: Any = [Message("user", f"My key is {key}")] if where == "messages" else f"It is {key}"

    assert guess_of(failed(output=f"Your key is {key}")).category == "safety"
    assert guess_of(failed(output=f"Your key is {key}", **{where: held})).category != "safety"


def answered(variant: str, wrong: int, answer: str = "yes", n: int = 20, **more: Any) -> list[CaseResult]:
    """The first `wrong` cases are answered so, the others right."""
    return [
        CaseResult(
            "s",
            variant,
            f"c{k}",
            f"ask {k}",
            answer if k < wrong else f"a{k}",
            k >= wrong,
            float(k >= wrong),
            [check("exact", "exact")] if k < wrong else [],
            f"a{k}",
            variant_hash=variant,
            **more,
        )
        for k in range(n)
    ]


def told(mine: list[CaseResult], *others: list[CaseResult]) -> list[Guess]:
    """The guesses about one variant's failures, beside the others' answers."""
    beside = {one.case: [other[at] for other in others] for at, one in enumerate(mine)}
    return [failure.guess for failure in failures_of(mine, "r", beside)]


def test_agreement_without_a_judge_is_told_and_is_no_label_noise() -> None:
    (guess,) = told(answered("tuned", 1, "Yes."), answered("big", 1))

    assert (guess.category, guess.rule) == ("behaviour", "wrong_answer")
    assert "big (95% right), tuned (95% right) agree on 'Yes.': no judge was asked" in guess.evidence


def test_who_is_right_in_two_thirds_of_the_cases_is_worth_hearing() -> None:
    for wrong, heard in ((6, True), (7, False)):
        guesses = told(answered("tuned", wrong), answered("big", wrong))
        assert {"agree" in guess.evidence for guess in guesses} == {heard}


def test_agreement_of_those_who_are_mostly_wrong_or_one_or_contradicted_is_not_told() -> None:
    for guesses in (
        told(answered("tuned", 8), answered("big", 8)),
        told(answered("tuned", 1, n=3), answered("big", 1, n=3)),
        told(answered("tuned", 1), answered("tuned", 1)),
        told(answered("tuned", 1), answered("big", 1), answered("third", 0)),
    ):
        assert guesses
        assert not any("agree" in guess.evidence for guess in guesses)


def test_one_witness_under_two_names_does_not_doubt_a_reference() -> None:
    judged = [check("exact", "exact"), CheckResult("judge", True, 1.0, by="big", of_kind="judge")]
    mine, same = failed(*judged, variant_hash="h"), failed(variant_hash="h")
    same.variant = "again"

    assert guess_of(mine, Seen([same])).category == "behaviour"
    same.variant_hash = "other"
    assert guess_of(mine, Seen([same])).rule == "doubtful_reference"


def test_a_decision_that_was_made_under_an_earlier_rule_still_holds() -> None:
    failures = failures_of([failed(check("choice", "choice"))], "r")
    label = Label("category", "s/c1#invalid_choice", "knowledge", note="look it up")

    (group,) = board("r", failures, {label.target: label}).groups

    assert (group.category, group.note, group.named) == ("knowledge", "look it up", True)


BEHAVIOURAL = ("behaviour", "format", "tone", "tool", "refusal")


@pytest.mark.parametrize("category", CATEGORIES)
def test_only_what_training_can_mend_counts_as_behavioural(category: Category) -> None:
    failure = Failure("s/1", "r", "c", "ask", "", Guess(category, "rule", ""))

    found = board("r", [failure], {"s/1": Label("category", "s/1", category)})

    assert found.ready == (category in BEHAVIOURAL)


@pytest.mark.parametrize(
    ("comment", "category"),
    [
        ("The information given was wrong", "behaviour"),
        ("agent declined card", "behaviour"),
        ("My payment was refused at the shop", "behaviour"),
        ("The bot refused a refund", "behaviour"),
        ("The inventory it shows is not mine", "behaviour"),
        ("a crude summary", "behaviour"),
        ("I can no longer log in", "behaviour"),
        ("The bot just refused.", "refusal"),
        ("declined to answer a simple question", "refusal"),
        ("It won\u2019t answer", "refusal"),
        ("It used the wrong format", "format"),
        ("That fee is no longer charged", "knowledge"),
        ("It could not find the right article", "retrieval"),
        ("I can't find the button", "product"),
    ],
)
def test_a_word_counts_as_a_whole_and_where_it_is_said_of_the_answer(comment: str, category: str) -> None:
    assert guess_from_words(comment, "").category == category


def complaints(path: Path, *rows: str) -> list[Failure]:
    path.write_text("question,complaint\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return read_complaints(path).failures


def test_how_a_word_is_written_makes_no_group_of_its_own(tmp_path: Path) -> None:
    found = complaints(tmp_path / "c.csv", "Card?,broken JSON", "Fee?,invalid json again")

    assert len(cluster(found)) == 1


def test_complaints_keep_their_decisions_under_another_name_of_the_file(tmp_path: Path) -> None:
    (march,) = complaints(tmp_path / "march.csv", "Card?,wrong")
    (again,) = complaints(tmp_path / "april.csv", "Card?,wrong")
    newer = {march.target: Label("category", march.target, "retrieval")}
    older = f"april.csv/{again.target.partition('/')[2]}"

    assert board("april.csv", [again], newer).groups[0].category == "retrieval"
    named = board("april.csv", [again], {older: Label("category", older, "tone")}).groups[0]
    assert (named.category, named.named) == ("tone", True)
    taken_back = {older: Label("category", older, "tone"), again.target: Label("category", again.target, "")}
    assert not board("april.csv", [again], taken_back).groups[0].named
