"""ROUGE against figures of rouge-score 0.1.2 (NLTK 3.10.4), on texts made for that purpose."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.evals.checks.rouge import Rouge, rouge_l, rouge_lsum, rouge_n, tokens
from tests.engine.evals.checks.stage import judged

FIGURES = [
    json.loads(line)
    for line in Path(__file__).with_name("rouge_score.jsonl").read_text(encoding="utf-8").splitlines()
]
SCORES: dict[str, Callable[[str, str, bool], Rouge]] = {
    "rouge_1": lambda answer, right, stem: rouge_n(answer, right, 1, stem),
    "rouge_2": lambda answer, right, stem: rouge_n(answer, right, 2, stem),
    "rouge_l": rouge_l,
    "rouge_lsum": rouge_lsum,
}


@pytest.mark.parametrize("kind", SCORES)
@pytest.mark.parametrize("stem", [False, True])
def test_precision_recall_and_f1_are_those_of_rouge_score(kind: str, stem: bool) -> None:
    assert len(FIGURES) == 36
    for row in FIGURES:
        found = SCORES[kind](row["answer"], row["right"], stem)
        theirs = row["stemmed" if stem else "plain"][kind]
        assert [found.precision, found.recall, found.f1] == pytest.approx(theirs, abs=1e-8), row["answer"]


def test_stemming_makes_forms_of_a_word_one_and_leaves_short_words_alone() -> None:
    assert tokens("Refunding the refunded Cards, dying skies was", stem=True) == [
        *("refund", "the", "refund", "card", "die", "sky", "was")
    ]
    assert judged("rouge_1", "refunded cards", "refunding a card", stem=True).score == pytest.approx(0.8)
    assert judged("rouge_1", "refunded cards", "refunding a card").score == 0


def test_a_measure_is_that_of_the_right_answer_with_the_best_f1() -> None:
    right = ["one two three four", "one"]

    def score(measure: str) -> float:
        return judged("rouge_l", "one two", right[0], alternatives=right[1:], measure=measure).score

    # F1 of both is 2/3, and the first counts.
    assert [score("f1"), score("precision"), score("recall")] == pytest.approx([2 / 3, 1.0, 0.5])


def test_lines_are_matched_wherever_they_stand_in_a_summary() -> None:
    answer, right = "the card is lost\ncall the bank", "call the bank\nthe card is lost"

    assert judged("rouge_lsum", answer, right).score == 1
    assert judged("rouge_l", answer, right).score < 0.7


def test_a_text_without_latin_letters_has_no_tokens() -> None:
    assert judged("rouge_1", "日本", "日本").score == 0
    assert judged("rouge_lsum", "", "").score == 0
