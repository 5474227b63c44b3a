"""Whether what is cited says what an answer says."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from engine.inference.embedder import Embedder
from engine.retrieval.dating import mark_stale
from engine.retrieval.support import abstains, check_support, sentences, supports
from store.records.knowledge import Hit

PASSAGES = [
    "A transfer pays 21000 units of gas. Gas is counted in gwei and goes to the network.",
    "The recovery phrase of twelve words restores a lost wallet on another device.",
]


def verdicts(answer: str) -> list[bool]:
    return [one.supported for one in check_support(answer, PASSAGES)]


def test_a_sentence_whose_words_stand_in_its_passage_is_supported() -> None:
    assert verdicts("The gas of a transfer goes to the network [1].") == [True]


def test_a_sentence_of_another_passage_is_not() -> None:
    (found,) = check_support("The recovery phrase restores a lost wallet [1].", PASSAGES)
    assert (found.supported, found.cited) == (False, [1])
    assert "words stand there" in found.why


def test_a_number_that_the_passage_does_not_have_is_named() -> None:
    (found,) = check_support("A transfer pays 50000 units of gas [1].", PASSAGES)
    assert not found.supported
    assert found.why == "50000 does not stand there"


def test_a_passage_that_is_not_there_supports_nothing() -> None:
    (found,) = check_support("A transfer pays gas to the network [7].", PASSAGES)
    assert found.why == "there is no passage 7"


def test_a_sentence_that_cites_nothing_is_unsupported() -> None:
    assert verdicts("A transfer pays gas to the network.") == [False]


def test_a_number_at_the_end_of_a_paragraph_stands_for_the_sentences_before() -> None:
    answer = "A transfer pays gas to the network. Gas is counted in gwei [1].\n\nA lost wallet is restored."
    assert verdicts(answer) == [True, True, False]


def test_two_passages_may_support_a_sentence_between_them() -> None:
    assert verdicts("A transfer pays gas, and twelve words restore a lost wallet [1, 2].") == [True]


def test_spans_point_into_the_answer() -> None:
    answer = "Gas is counted in gwei. [1] It goes to the network [1]."
    assert [answer[start:end] for start, end in sentences(answer)] == [
        "Gas is counted in gwei. [1]",
        "It goes to the network [1].",
    ]


def test_a_version_does_not_end_a_sentence() -> None:
    assert len(list(sentences("Use version 1.2.3 of example.com now"))) == 1


@pytest.mark.parametrize("answer", ["", "Yes.", '{"gas": "counted in gwei by the network"}'])
def test_what_claims_nothing_is_not_judged(answer: str) -> None:
    assert verdicts(answer) == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("That is not in the documents.", True),
        ("This is not mentioned in the provided documents.", True),
        ("The documents do not say.", True),
        ("Gas is counted in gwei.", False),
        ("Your keys are not in the cloud.", False),
    ],
)
def test_an_answer_may_be_that_it_is_not_there(answer: str, expected: bool) -> None:
    assert abstains(answer) is expected
    assert not (expected and check_support(answer, PASSAGES))


def test_meaning_helps_where_words_differ(embedder: Embedder) -> None:
    sentence = "Losing your wallet is no problem with the recovery words"
    supported, score, _ = supports(sentence, PASSAGES[1], embedder.embed)
    assert score > supports(sentence, PASSAGES[0], embedder.embed)[1]
    assert supported


def hit(doc: str, date: str) -> Hit:
    return Hit(doc, 0, 1, 1.0, "", date=date)


def test_the_older_of_two_on_the_same_subject_is_stale() -> None:
    hits = [hit("old", "2024-01-01"), hit("new", "2026-01-01"), hit("else", "2020-01-01")]
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert mark_stale(hits, vectors, 0, datetime.date(2026, 2, 1)) == 1
    assert [bool(one.stale) for one in hits] == [True, False, False]
    assert "new" in hits[0].stale


def test_what_is_older_than_allowed_is_stale() -> None:
    hits = [hit("old", "2025-01-01"), hit("undated", ""), hit("fresh", "2026-01-31")]
    vectors = np.eye(3, dtype=np.float32)
    mark_stale(hits, vectors, 365, datetime.date(2026, 2, 1))
    assert [one.stale for one in hits] == ["dated 2025-01-01, 396 days ago", "", ""]
