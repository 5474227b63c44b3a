"""Answers that will be wrong one day: found where they state a value of their own, left alone else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.data.checks.perishable import KINDS, scans
from engine.data.checks.perishable_forms import FORMS
from store.records.data import Example, Message
from store.records.findings import CheckSettings


def scan(question: str, answer: str, system: str = "") -> list[str]:
    before = [Message("system", system)] if system else []
    turns = [*before, Message("user", question), Message("assistant", answer)]
    return [kind for kind, _ in scans(CheckSettings()).scan(Example("r", 1, turns))]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("Our Pro plan costs $29 per month.", "price"),
        ("The withdrawal limit is 500 EUR per day.", "price"),
        ("The card fee is 2.5% of the amount.", "rate"),
        ("We are open Monday to Friday from 9am to 5pm.", "hours"),
        ("The latest stable version is 3.12.1.", "version"),
        ("You need firmware 2.1.0 or later.", "version"),
        ("As of March 2024, we support 12 chains.", "date"),
        ("The deadline is June 5, 2027.", "date"),
        ("The current CEO of Acme is Jane Roe.", "incumbent"),
        ("Jane Roe is the president of Freedonia.", "incumbent"),
        ("Gas is currently 30 gwei.", "figure"),
    ],
)
def test_statements_that_will_change_are_found(answer: str, kind: str) -> None:
    assert scan("Tell me about it.", f"Sure. {answer}") == [f"perishable/{kind}"]


@pytest.mark.parametrize(
    "answer",
    [
        "Click Settings, then wait 5 minutes.",
        "Lincoln was the president of the US in 1861.",
        '{"intent": "card_payment_fee_charged"}',
        "I am currently unable to help.",
        "Version control keeps the history of your files.",
        "The price is shown before you confirm.",
    ],
)
def test_what_does_not_change_or_states_no_value_is_left_alone(answer: str) -> None:
    assert scan("Tell me about it.", answer) == []


def test_what_the_question_or_a_document_says_is_no_fact_from_memory() -> None:
    assert scan("Is $29 the price?", "Yes, the plan costs $29.00.") == []
    assert scan("How much?", "The plan costs $29.", system="Prices: Pro $29, Team $99.") == []


def test_sums_worked_out_from_the_question_are_no_prices() -> None:
    question = "Apples cost $2 each. How much do 5 apples cost?"
    assert scan(question, "They cost 2*5 = $10.") == []
    assert scan(question, "They cost $10.") == []


def test_the_note_quotes_the_sentence_and_the_remedy_is_retrieval() -> None:
    turns = [Message("user", "How much?"), Message("assistant", "Sure.\nThe plan costs $29 a month.")]
    notes = dict(scans(CheckSettings()).scan(Example("r", 1, turns)))
    assert notes == {"perishable/price": "The plan costs $29 a month."}
    assert all("temper kb ingest" in kind.remedy for kind in KINDS)


def test_a_text_has_no_answer() -> None:
    assert list(scans(CheckSettings()).scan(Example("r", 1, [], text="The plan costs $29."))) == []


def test_worked_maths_is_not_flagged(shared_data: Path) -> None:
    with (shared_data / "instruct" / "gsm8k" / "train.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line, _ in zip(file, range(1500), strict=False)]
    assert [row["question"] for row in rows if scan(row["question"], row["answer"])] == []


def test_a_form_is_never_passed_over_where_it_states_something() -> None:
    said = [
        "the current ceo of acme is jane",
        "the sitting prime minister of freedonia is rufus",
        "jane roe is the managing director at acme",
        "the chairwoman of the board is currently jane",
        "he has been the secretary general of the club since 2011",
        "the chief people officer of acme is jane",
        "jane roe is the minister of health of freedonia",
    ]
    incumbent = next(form for form in FORMS if form.id == "perishable/incumbent")
    stating = [text for text in said if incumbent.states.search(text)]
    assert len(stating) >= 5
    assert all(incumbent.possible(text) for text in stating)
