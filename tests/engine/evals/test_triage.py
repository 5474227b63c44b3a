"""Triage: first guesses with their evidence, groups, the top list, the rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.evals.triage.board import board
from engine.evals.triage.clustering import cluster, groups_of, space_of
from engine.evals.triage.complaints import guess_from_words, read_complaints
from engine.evals.triage.guessing import failures_of, guess_of
from engine.evals.triage.seen import Seen
from store.errors import UsageError
from store.records.data import ToolCall
from store.records.evals import CaseResult, CheckResult, ExpectedCall
from store.records.knowledge import Hit
from store.records.labels import Label
from store.records.triage import Failure, Guess


def failed(case: str = "c1", kind: str = "exact", **more: Any) -> CaseResult:
    """A failed result; what is not given is harmless."""
    given: dict[str, Any] = {
        "input": "What does it cost?",
        "output": "It is free.",
        "expected": "It has a price",
        "checks": [CheckResult(kind, False, 0.0, "not as expected")],
    }
    return CaseResult("s", "v", case, passed=False, score=0.0, **{**given, **more})


def passage(doc: str, text: str) -> Hit:
    return Hit(doc, 0, len(text), 1.0, text)


FEES = passage("fees.md", "A fee of 2.50.")
CALL = ExpectedCall("transfer", {"amount": 5})


@pytest.mark.parametrize(
    ("result", "category", "evidence"),
    [
        (failed(kind="json_schema"), "format", "json_schema: not as expected"),
        (failed(expected='{"a": 1}', output="a is 1"), "format", "JSON is expected"),
        (failed(finish_reason="length"), "format", "cut off"),
        (failed(output="I'm sorry, but I can't help with that."), "refusal", "refuses"),
        (failed(expected_tool_calls=[CALL], checks=[]), "tool", "called nothing, expected transfer"),
        (
            failed(kind="tool_call", tool_calls=[ToolCall("refund", "{}")], expected_tool_calls=[CALL]),
            "tool",
            "called refund, expected transfer",
        ),
        (
            failed(expected_sources=["fees.md"], hits=[passage("other.md", "Nothing here.")]),
            "retrieval",
            "fees.md was not found; found were other.md",
        ),
        (
            failed(expected_sources=["fees.md"], hits=[passage("fees.md", "It has a price.")]),
            "behaviour",
            "fees.md was in context and was not used",
        ),
        (
            failed(
                output="The fee is 2.50.",
                expected="The fee is 3.75.",
                hits=[passage("fees.md", "A fee of 2.50.")],
            ),
            "knowledge",
            "the passages say 2.50, expected is 3.75",
        ),
        (
            failed(
                output="The fee is 9.99.",
                expected="The fee is 2.50.",
                hits=[passage("fees.md", "A fee of 2.50.")],
            ),
            "hallucination",
            "no passage says 9.99",
        ),
        (failed(expected="It costs 3.75 a month."), "knowledge", "no source in context"),
        (failed(kind="length"), "tone", "length"),
        (failed(kind="latency"), "product", "latency"),
        (failed(output="Take the key AKIAIOSFODNN7EXAMPLE."), "safety", "API keys"),
        (failed(error="Too long: 9,000 tokens"), "product", "Too long"),
        (failed(), "behaviour", "exact: not as expected"),
    ],
)
def test_a_failure_is_guessed_with_its_evidence(result: CaseResult, category: str, evidence: str) -> None:
    guess = guess_of(result)

    assert guess.category == category
    assert evidence in guess.evidence


def test_a_judge_and_two_variants_against_the_reference_doubt_the_label() -> None:
    checks = [CheckResult("exact", False, 0.0), CheckResult("judge", True, 1.0, by="big")]
    mine = failed(output='{"intent": "fees"}', expected='{"intent": "card"}', checks=checks)
    other = failed(output='{ "intent":"fees" }')
    other.variant = "w"

    assert guess_of(mine, Seen([other])).category == "label_noise"
    assert guess_of(mine, Seen()).category != "label_noise"
    mine.checks[1].passed = False
    assert guess_of(mine, Seen([other])).category != "label_noise"


def test_an_answer_out_of_a_closed_set_is_no_missing_fact() -> None:
    results = [failed(f"c{n}", expected="Region 7", output="Region 8") for n in range(2)]

    assert [one.guess.category for one in failures_of(results, "r")] == ["behaviour", "behaviour"]


def test_what_passed_or_could_not_be_judged_is_no_failure() -> None:
    unjudged = failed("c2")
    unjudged.checks[0].error = "the judge gave no verdict"
    fine = failed("c3")
    fine.passed = True

    assert [one.case for one in failures_of([failed("c1"), unjudged, fine], "r")] == ["c1"]


def test_epochs_that_fail_alike_are_one_failure_that_weighs_more() -> None:
    (one,) = failures_of([failed(epoch=epoch) for epoch in range(3)], "r")

    assert one.weight == 3
    assert one.target == "s/c1#wrong_answer"


def failure(n: int, text: str, category: Any = "behaviour", weight: int = 1, **more: Any) -> Failure:
    return Failure(
        f"s/{n}", "r", f"c{n}", text, "wrong", Guess(category, "rule", "why"), weight=weight, **more
    )


def test_failures_about_one_thing_become_one_group() -> None:
    cards = [
        "my card was swallowed by the machine",
        "the machine swallowed my card",
        "card swallowed by machine",
    ]
    fees = ["why is the transfer fee so high", "the fee for a transfer is too high"]

    groups = [
        sorted(one.input for one in group)
        for group in cluster([failure(n, text) for n, text in enumerate([*cards, *fees])])
    ]

    assert sorted(groups) == sorted([sorted(cards), sorted(fees)])


def test_labels_out_of_a_closed_set_group_by_what_was_taken_for_what() -> None:
    found = [
        failure(n, f"entirely different words {n}", expected=expected)
        for n, expected in enumerate(["fees", "card", "fees", "card", "fees"])
    ]

    assert sorted(len(group) for group in cluster(found)) == [2, 3]


def test_answers_whose_form_is_wrong_in_the_same_way_are_one_group() -> None:
    found = [
        failure(n, f"entirely different words {n}", "format", expected=expected)
        for n, expected in enumerate(["fees", "card", "login"])
    ]

    assert len(cluster(found)) == 1


def test_near_duplicates_of_one_complaint_are_one_group_however_alike_the_others_are() -> None:
    tails = ("", " again", " please help", " on my phone", " since yesterday", ", ticket 5983", " - order 77")
    said = [f"{problem}{tail}" for problem in ("The answer is outdated", "it was rude") for tail in tails]
    failures = [Failure(text, "f", text, "", "", guess_from_words(text, ""), comment=text) for text in said]

    groups = cluster(failures)

    assert sorted(len(group) for group in groups) == [len(tails), len(tails)]
    assert [len(group) for group in cluster(failures[: len(tails)])] == [len(tails)]  # one problem alone, too


def test_an_instruction_before_every_text_makes_no_group_of_all() -> None:
    said = [
        "my card was swallowed by the machine",
        "the parcel is four days late",
        "no code arrives by mail",
    ] * 4
    before = "Sort the message of the customer into one of our intents:"
    texts = [f"{before} {text} {number}" for number, text in enumerate(said)]

    assert len(set(groups_of(texts, space_of(texts)))) == 3


def test_failures_of_other_categories_never_share_a_group() -> None:
    assert len(cluster([failure(1, "the same words"), failure(2, "the same words", "tool")])) == 2


def test_failures_without_a_word_are_grouped_all_the_same() -> None:
    assert len(cluster([failure(1, "?!"), failure(2, "...")])) == 1
    assert cluster([]) == []


def test_the_list_is_weighted_by_frequency_and_numbered() -> None:
    found = board("r", [failure(1, "rare thing"), failure(2, "common trouble", weight=9)], {})

    assert [(one.number, one.count, one.title) for one in found.groups] == [
        (1, 9, "common trouble"),
        (2, 1, "rare thing"),
    ]
    assert found.groups[0].share == 0.9


def test_answers_of_one_field_are_told_apart_by_their_values() -> None:
    asked = failure(1, "a photo of my face", expected='{"intent": "card"}')
    asked.output = '{"intent": "fees"}'
    assert board("r", [asked], {}).groups[0].title == "card expected, fees given: a photo of my face"

    asked.output = '{"topic": "fees"}'
    title = board("r", [asked], {}).groups[0].title
    assert title.startswith('{"intent": "card"} expected, {"topic": "fees"} given')


def test_one_decision_names_its_whole_group_and_later_failures_with_it() -> None:
    before = [failure(1, "card swallowed by the machine"), failure(2, "machine swallowed the card")]
    label = Label("category", "s/1", "product", note="hardware")

    (group,) = board("r", before, {"s/1": label}).groups

    assert (group.category, group.decided, group.note) == ("product", 1, "hardware")
    assert group.action.startswith("Nothing a model can mend")


def test_a_label_that_is_no_category_decides_nothing() -> None:
    (group,) = board("r", [failure(1, "x")], {"s/1": Label("category", "s/1", "whatever")}).groups

    assert (group.category, group.named) == ("behaviour", False)


def test_the_trend_counts_the_same_group_in_older_runs() -> None:
    old = [failure(n, "card swallowed by the machine") for n in (1, 2, 3)]

    found = board("new", [failure(1, "card swallowed by machine")], {}, [("old", "v", old)])

    assert [(one.source, one.count) for one in found.groups[0].trend] == [("old", 3), ("new", 1)]
    assert found.failures == 1


def named(groups: list[tuple[Any, int]]) -> tuple[list[Failure], dict[str, Label]]:
    failures = [failure(n, chr(97 + n) * 6, kind, weight) for n, (kind, weight) in enumerate(groups)]
    return failures, {one.target: Label("category", one.target, one.guess.category) for one in failures}


def test_training_is_a_case_when_the_top_is_named_and_half_of_it_behavioural() -> None:
    found = board("r", *named([("behaviour", 3), ("format", 2), ("retrieval", 5)]))

    assert (found.ready, found.behavioural) == (True, 0.5)


def test_training_is_no_case_before_the_top_is_named() -> None:
    failures, labels = named([("behaviour", 3), ("format", 2)])
    del labels["s/1"]

    found = board("r", failures, labels)

    assert not found.ready
    assert "1 of the top 2" in found.why_not


def test_training_is_no_case_when_most_failures_are_not_behavioural() -> None:
    found = board("r", *named([("knowledge", 6), ("behaviour", 4)]))

    assert not found.ready
    assert "40%" in found.why_not


def test_a_hallucination_is_behavioural_only_with_the_right_source_in_context() -> None:
    failures, labels = named([("hallucination", 1)])

    assert board("r", failures, labels).behavioural == 0
    failures[0].source_in_context = True
    assert board("r", failures, labels).behavioural == 1


def test_only_the_twenty_largest_groups_need_a_name() -> None:
    failures, labels = named([("behaviour", 30 - n) for n in range(25)])

    found = board("r", failures, {key: value for key, value in labels.items() if int(key[2:]) < 20})

    assert (found.top, found.named, found.ready) == (20, 20, True)


@pytest.mark.parametrize(
    ("comment", "category"),
    [
        ("The answer was not valid JSON", "format"),
        ("It refused to answer a harmless question", "refusal"),
        ("That price is outdated", "knowledge"),
        ("It made this up, no such article", "hallucination"),
        ("way too long and rude", "tone"),
        ("it called the wrong function", "tool"),
        ("wrong", "behaviour"),
    ],
)
def test_complaints_are_guessed_from_their_words(comment: str, category: str) -> None:
    assert guess_from_words(comment, "").category == category


def test_a_file_of_complaints_becomes_failures(tmp_path: Path) -> None:
    path = tmp_path / "complaints.csv"
    path.write_text(
        "Question,Answer,Complaint,Count\n"
        '"How much, exactly?",2.50,"That price is outdated",12\n'
        '"How much, exactly?",2.50,"That price is outdated",3\n'
        ',,,\n"Who are you?",I cannot help with that,,\n',
        encoding="utf-8",
    )

    price, who = read_complaints(path).failures

    assert (price.guess.category, price.weight) == ("knowledge", 15)
    assert price.guess.evidence == "the complaint says 'outdated'"
    assert (who.guess.category, who.weight) == ("refusal", 1)
    assert read_complaints(path).failures[0].target == price.target


def test_a_file_without_a_column_to_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")

    with pytest.raises(UsageError, match="Which column"):
        read_complaints(path)
