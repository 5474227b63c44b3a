"""BLEU and chrF against sacrebleu itself, sentence by sentence and of all answers together."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from engine.evals.checks import compile_checks
from engine.evals.checks.bleu import BleuOptions, corpus_bleu, sentence_bleu
from engine.evals.checks.pooling import pooled
from store.records.evals import Case, Check
from tests.engine.evals.checks.stage import judged

WORDS = [
    *("the", "cat", "sat", "on", "mat's", "a", "state-of-the-art", "3.5", "(USD)", "U.S.", "don't"),
    *("naïve", "Straße", "日本語", "我们在学习", "здание", "☃", "\u00a0", "&", "\t", "!?", ""),
]
PARTY = (
    "It is a guide to action which ensures that the military always obeys the commands of the party.",
    [
        "It is a guide to action that ensures that the military will forever heed Party commands.",
        "It is the guiding principle which guarantees the military forces always being under the command "
        "of the Party.",
    ],
)


def sentences(seed: int, count: int) -> list[tuple[str, list[str]]]:
    """Answers with one to three references each, near them, far from them or empty."""
    rng = random.Random(seed)

    def text() -> str:
        return " ".join(rng.choices(WORDS, k=rng.choice([0, 1, 3, 8, 15])))

    def near(one: str) -> str:
        return " ".join(word for word in one.split(" ") if rng.random() < 0.8) or one

    made = []
    for _ in range(count):
        right = [text() for _ in range(rng.choice([1, 1, 2, 3]))]
        made.append((near(right[0]) if rng.random() < 0.7 else text(), right))
    return made


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tokenize": "intl"},
        {"tokenize": "zh"},
        {"tokenize": "char", "lowercase": True},
        {"tokenize": "none", "effective_order": False},
        {"smooth_method": "floor", "smooth_value": 0.2},
        {"smooth_method": "add-k"},
        {"smooth_method": "none"},
    ],
)
def test_bleu_of_a_sentence_and_of_all_is_sacrebleus_with_every_option(options: dict[str, Any]) -> None:
    from sacrebleu.metrics.bleu import BLEU

    rows = sentences(1, 60)
    [check] = compile_checks([Check("bleu", options=options)])
    counts = []
    for answer, right in rows:
        theirs = BLEU(**{"effective_order": True, **options}).sentence_score(answer, right).score
        found = check.result(answer, Case("c", "?", right[0], alternatives=right[1:]))
        assert found.score == pytest.approx(min(1.0, theirs / 100), abs=1e-9), (answer, right)
        counts.append(found.counts)
    corpus = {key: value for key, value in options.items() if key != "effective_order"}
    streams: Any = list(itertools.zip_longest(*(right for _, right in rows)))
    theirs = BLEU(**corpus).corpus_score([answer for answer, _ in rows], streams).score
    together = pooled(found.formula, [sum(column) for column in zip(*counts, strict=True)])
    assert together == pytest.approx(theirs / 100, abs=1e-12)


@pytest.mark.parametrize(
    "options", [{}, {"word_order": 2}, {"lowercase": True, "whitespace": True}, {"char_order": 4, "beta": 1}]
)
def test_chrf_of_a_sentence_and_of_all_is_sacrebleus(options: dict[str, Any]) -> None:
    from sacrebleu.metrics.chrf import CHRF

    rows = [(answer, right[:1]) for answer, right in sentences(2, 60)]
    [check] = compile_checks([Check("chrf", options=options)])
    counts = []
    for answer, right in rows:
        found = check.result(answer, Case("c", "?", right[0]))
        assert found.score == pytest.approx(
            CHRF(**options).sentence_score(answer, right).score / 100, abs=1e-9
        )
        counts.append(found.counts)
    theirs = CHRF(**options).corpus_score([one for one, _ in rows], [[right[0] for _, right in rows]]).score
    together = pooled(found.formula, [sum(column) for column in zip(*counts, strict=True)])
    assert together == pytest.approx(theirs / 100, abs=1e-12)


def test_chrf_takes_the_nearest_of_several_right_answers() -> None:
    assert judged("chrf", "the cat sat", "a dog ran", alternatives=["the cat sat"]).score == pytest.approx(1)


def test_bleu_of_a_sentence_by_its_defaults() -> None:
    assert sentence_bleu(*PARTY) == pytest.approx(0.44573518321953955)
    assert sentence_bleu("nothing alike here", ["all other words"]) == 0
    assert sentence_bleu("hi", ["hi"], BleuOptions(effective_order=False)) == 0
    assert judged("bleu", "the cat sat on the mat", "the cat is on the mat").detail == "BLEU 38.0"


def test_bleu_of_all_answers_is_no_mean_of_sentences() -> None:
    answers = ["the cat sat on the mat", PARTY[0], "hello", "nothing alike here", "Hello, World!"]
    right = ["the cat is on the mat", PARTY[1][0], "hello", "all other words", "hello world"]

    assert corpus_bleu(answers, [[one] for one in right]) == pytest.approx(0.3343701524888211)
    assert corpus_bleu([], []) == 0
    assert corpus_bleu(["a b c d", "e f g h"], [["a b c d", "x"], ["e f g h"]]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [
        ("bleu", {"smooth_value": 1.0}, "`smooth_value` goes with"),
        ("bleu", {"smooth_method": "add-k", "smooth_value": -1.0}, "is below 0"),
        ("chrf", {"char_order": 0}, "`char_order` and `beta` are at least 1"),
    ],
)
def test_settings_that_sacrebleu_could_not_use_are_refused(
    kind: str, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        judged(kind, "a", "a", **options)
