"""Words in common: SQuAD's two official evaluations against an own reading of their rules; sets."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest

from engine.evals.checks.overlap import Version, set_f1, squad_exact, squad_f1, squad_normalise
from tests.engine.evals.checks.stage import judged

PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
PIECES = [
    *("the", "a", "an", "The", "AN", "A", "theatre", "another", "10th", "1,000", "3.14", "U.S.A.", "p.m."),
    *(
        "well-known",
        "naïve",
        "Straße",
        "STRASSE",
        "İstanbul",
        "\ufb01ne",
        "日本",
        "the日本",
        "\u0430",
        "café",
    ),
    *("cafe\u0301", "a\u0301b", "I'm", "“quoted”", "«a»", "—", "the—end", "a_b", "_", "the_", "…", "$5", "½"),
    *("the\u00a0", "\u2003an", "\u200ba", "²", "", " ", "\n", "\t", "...", "it's", "the's", "a.", "x"),
]


def words_by_hand(text: str) -> list[str]:
    """The rules of both scripts, letter by letter: lower case; ASCII punctuation is deleted; the words a, an
    and the (no letter, digit or _ on either side) become spaces; parted at white space.
    """
    kept = [letter for letter in text.lower() if letter not in PUNCTUATION]
    out, at = [], 0
    while at < len(kept):
        end = at
        while end < len(kept) and (kept[end].isalnum() or kept[end] == "_"):
            end += 1
        word = "".join(kept[at:end]) if end > at else kept[at]
        out.append(" " if word in ("a", "an", "the") else word)
        at = max(end, at + 1)
    return "".join(out).split()


def by_hand(answer: str, gold: Sequence[str], version: Version) -> tuple[int, Fraction]:
    """EM and F1 as the scripts' rules say: 2.0 passes over right answers of which nothing is left, and counts
    nothing against nothing as all right; 1.1 does neither.
    """
    words = words_by_hand(answer)
    golds = [words_by_hand(one) for one in gold]
    if version == "2.0":
        golds = [one for one in golds if one] or [[]]
    best = Fraction(0)
    for right in golds:
        if version == "2.0" and (not words or not right):
            best = max(best, Fraction(int(words == right)))
            continue
        left, same = list(right), 0
        for word in words:
            if word in left:
                left.remove(word)
                same += 1
        if same:  # 2PR / (P + R) is twice what is shared, of all words
            best = max(best, Fraction(2 * same, len(words) + len(right)))
    return int(any(words == right for right in golds)), best


@pytest.mark.parametrize("version", ["2.0", "1.1"])
def test_squad_is_scored_as_by_the_rules_of_the_official_scripts(version: Version) -> None:
    rng = random.Random(7)
    seen = set()
    for _ in range(4000):
        gold = [
            " ".join(rng.choices(PIECES, k=rng.choice([0, 1, 2, 5]))) for _ in range(rng.choice([1, 1, 2, 4]))
        ]
        answer = (
            rng.choice(gold)
            if rng.random() < 0.3
            else " ".join(rng.choices(PIECES, k=rng.choice([0, 1, 3, 6])))
        )
        exact, f1 = by_hand(answer, gold, version)
        assert squad_exact(answer, gold, version) == exact, (answer, gold)
        assert squad_f1(answer, gold, version) == pytest.approx(float(f1), abs=1e-12), (answer, gold)
        assert squad_normalise(answer) == " ".join(words_by_hand(answer))
        seen.add((exact, f1 == 0, f1 == 1))
    assert len(seen) >= 3  # right, wrong and between


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("The  Cat!", "cat"),
        ("a theatre, an anthem", "theatre anthem"),
        ("U.S.A.", "usa"),
        ("well-known", "wellknown"),
        ("the", ""),
        ("5 p.m.", "5 pm"),
        ("“The” cat—a dog", "“ ” cat— dog"),
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


def test_the_versions_differ_where_nothing_is_left_of_a_text() -> None:
    def scores(answer: str, version: str, *gold: str) -> list[float]:
        return [
            judged(kind, answer, gold[0], alternatives=list(gold[1:]), version=version).score
            for kind in ("squad_em", "squad_f1")
        ]

    assert scores("", "2.0", "") == [1, 1]
    assert scores("", "1.1", "") == [1, 0]
    assert scores("an", "2.0", "the", "Normans") == [0, 0]
    assert scores("an", "1.1", "the", "Normans") == [1, 0]


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
        ("red, green.", {}, 1),
        ("['red', 'green']", {}, 1),
        ("{red, green}", {}, 1),
        ("(red), green", {}, 0.5),
    ],
)
def test_items_are_read_from_lists_of_any_kind(answer: str, options: dict[str, Any], score: float) -> None:
    assert judged("set_f1", answer, '["red", "green"]', **options).score == score


def test_the_threshold_of_a_suite_goes_before_that_of_the_kind() -> None:
    answer, expected = "Normans in France", "Normans"

    assert judged("squad_f1", answer, expected).passed
    assert not judged("squad_f1", answer, expected, threshold=0.6).passed
    assert judged("rouge_l", "one two", "one three").detail == "ROUGE-L 0.500"
    assert judged("squad_em", "Norman", expected).detail == "expected 'Normans'"
