"""Words in common, against figures of the public packages: rouge-score 0.1.2, sacrebleu 2.6.0, SQuAD 2.0."""

from __future__ import annotations

from typing import Any

import pytest

from engine.evals.checks.bleu import corpus_bleu, sentence_bleu
from engine.evals.checks.overlap import rouge_l, set_f1, squad_exact, squad_f1, squad_normalise
from tests.engine.evals.checks.stage import judged


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("The  Cat!", "cat"),
        ("a theatre, an anthem", "theatre anthem"),
        ("U.S.A.", "usa"),
        ("well-known", "wellknown"),
        ("the", ""),
        ("5 p.m.", "5 pm"),
    ],
)
def test_squad_normalises_as_its_official_script(text: str, normalised: str) -> None:
    assert squad_normalise(text) == normalised


@pytest.mark.parametrize(
    ("answer", "gold", "exact", "f1"),
    [
        ("the Normans", ["Normans"], 1, 1),
        ("Normans in France", ["Normans"], 0, 0.5),
        ("10th century", ["in the 10th century", "10th century"], 1, 1),
        ("10th and 11th", ["10th and 11th centuries", "the 10th"], 0, 6 / 7),
        ("to to to", ["to be"], 0, 2 / 5),
        ("something", [], 0, 0),
        ("", [], 1, 1),
        ("", ["Normans"], 0, 0),
        ("the", ["a"], 1, 1),
        ("Normans", ["the", "Normans"], 1, 1),
        ("red", ["blue"], 0, 0),
    ],
)
def test_squad_scores_an_answer_by_its_best_gold_answer(
    answer: str, gold: list[str], exact: float, f1: float
) -> None:
    assert squad_exact(answer, gold) == exact
    assert squad_f1(answer, gold) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("answer", "right", "score"),
    [
        ("the cat sat on the mat", "the cat is on the mat", 0.833333333333),
        (
            "Send it to support@wallet.example before 5 p.m.!",
            "Please send it to Support@Wallet.example by 5 p.m.",
            0.857142857143,
        ),
        ("", "something", 0),
        ("...", "...", 0),
        (
            "Freeze the card, then order a new one.",
            "Order a new card after you freeze the old one; then wait.",
            0.4,
        ),
        ("naïve café déjà-vu", "naive cafe deja vu", 0.2),
        ("a a a b", "a b a b a", 0.666666666667),
        (
            "state-of-the-art models don't guess 3.5 times",
            "State of the art models do not guess 3,5 times",
            0.818181818182,
        ),
    ],
)
def test_rouge_l_is_that_of_rouge_score(answer: str, right: str, score: float) -> None:
    assert rouge_l(answer, right) == pytest.approx(score, abs=1e-11)


PARTY = (
    "It is a guide to action which ensures that the military always obeys the commands of the party.",
    [
        "It is a guide to action that ensures that the military will forever heed Party commands.",
        "It is the guiding principle which guarantees the military forces always being under the command "
        "of the Party.",
    ],
)


def test_bleu_of_a_sentence_is_that_of_sacrebleu() -> None:
    import sacrebleu

    for answer, right in [PARTY, ("the cat sat on the mat", ["the cat is on the mat"]), ("hi", ["hi"])]:
        theirs = sacrebleu.sentence_bleu(answer, right).score / 100
        assert sentence_bleu(answer, right) == pytest.approx(min(1.0, theirs), abs=1e-12)
    assert sentence_bleu(*PARTY) == pytest.approx(0.44573518321953955)
    assert sentence_bleu("nothing alike here", ["all other words"]) == 0


def test_bleu_of_all_answers_is_no_mean_of_sentences() -> None:
    answers = ["the cat sat on the mat", PARTY[0], "hello", "nothing alike here", "Hello, World!"]
    right = ["the cat is on the mat", PARTY[1][0], "hello", "all other words", "hello world"]

    assert corpus_bleu(answers, [[one] for one in right]) == pytest.approx(0.3343701524888211)
    assert corpus_bleu([], []) == 0
    assert corpus_bleu(["a b c d", "e f g h"], [["a b c d", "x"], ["e f g h"]]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("found", "right", "score"),
    [("ab", "ab", 1), ("ab", "bc", 0.5), ("", "", 1), ("a", "", 0), ("aab", "ab", 1)],
)
def test_f1_of_sets(found: str, right: str, score: float) -> None:
    assert set_f1(found, right) == score


@pytest.mark.parametrize(
    ("answer", "options", "score"),
    [
        ('["Red", "green"]', {}, 1),
        ("- red\n- green", {}, 1),
        ("1. green\n2. blue", {}, 0.5),
        ("red; green", {}, 1),
        ("red | green", {"separator": "|"}, 1),
        ("Red, green", {"ignore_case": False}, 0.5),
    ],
)
def test_items_are_read_from_lists_of_any_kind(answer: str, options: dict[str, Any], score: float) -> None:
    assert judged("set_f1", answer, '["red", "green"]', **options).score == score


def test_the_threshold_of_a_suite_goes_before_that_of_the_kind() -> None:
    answer, expected = "Normans in France", "Normans"

    assert judged("squad_f1", answer, expected).passed
    assert not judged("squad_f1", answer, expected, threshold=0.6).passed
    assert judged("rouge_l", "one two", "one three").detail == "ROUGE-L 0.500"
    assert judged("bleu", "the cat sat on the mat", "the cat is on the mat").detail == "BLEU 38.0"
    assert judged("squad_em", "Norman", expected).detail == "expected 'Normans'"
