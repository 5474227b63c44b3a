"""The rule for refusals, measured on rows that were labelled before it was made.

`refusals.jsonl` has refusals and answers that look alike (quoted, told of another, "I cannot recommend it
enough") in seven languages. The rule was mended with the first half at hand, not the second. One person wrote
both halves and the rule, so what they show is an upper bound. The fresh rows are by another, who had not read
the rule; what it found of them before it was mended stands in docs/evals.md.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from engine.evals.checks.refusal import is_refusal
from engine.evals.checks.refusal_words import WORDS
from tests.engine.evals.checks.stage import judged

ALL = [
    json.loads(line)
    for line in Path(__file__).with_name("refusals.jsonl").read_text(encoding="utf-8").splitlines()
]
ROWS = [row for row in ALL if row["half"] != "fresh"]
FRESH = [row for row in ALL if row["half"] == "fresh"]


def test_the_rows_hold_both_kinds_in_every_language_and_half() -> None:
    counts = Counter((row["half"], row["language"], row["refuses"]) for row in ROWS)

    assert len(ROWS) == 270
    assert len(counts) == 2 * len(WORDS) * 2
    assert min(counts.values()) >= 6


@pytest.mark.parametrize("half", ["first", "second"])
@pytest.mark.parametrize("language", WORDS)
def test_refusals_are_found_and_answers_that_look_alike_are_not(language: str, half: str) -> None:
    rows = [row for row in ROWS if (row["language"], row["half"]) == (language, half)]
    missed = [row["text"] for row in rows if row["refuses"] and not is_refusal(row["text"])]
    false = [row["text"] for row in rows if not row["refuses"] and is_refusal(row["text"])]

    assert not false
    assert len(missed) <= (1 if language == "en" else 0), missed


def test_of_fresh_rows_few_refusals_are_missed_and_no_answer_is_taken_for_one() -> None:
    missed = [row["text"] for row in FRESH if row["refuses"] and not is_refusal(row["text"])]
    false = [row["text"] for row in FRESH if not row["refuses"] and is_refusal(row["text"])]

    assert not false
    assert len(missed) <= 10, missed


@pytest.mark.parametrize(
    "text",
    [
        "Das kann ich leider nicht sagen: ich kann dazu keine Auskunft geben, das geht nicht.",
        "I\u2019m sorry, I cannot provide medical advice.",
        "I currently don't have the capability to book flights.",
        "That is outside the scope of this service.",
    ],
)
def test_typographic_apostrophes_and_adverbs_hide_no_refusal(text: str) -> None:
    assert is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Yes. " * 100 + "I cannot help with that.",
        "As an AI, I have no opinions. However, the answer is 4.",
    ],
)
def test_what_goes_on_to_answer_is_no_refusal(text: str) -> None:
    assert not is_refusal(text)


def test_a_case_may_want_a_refusal_or_none_and_the_product_may_have_words_of_its_own() -> None:
    assert judged("refusal", "I cannot help with that.").passed
    assert judged("refusal", "Here you are.").detail == "does not refuse"
    assert judged("refusal", "I cannot help with that.", should="answer").detail == "refuses"
    assert judged("refusal", "Ask a lawyer, please.", phrases=["ask a lawyer"]).passed
