"""Texts as words: contractions, misspellings, numbers, scripts without spaces."""

from __future__ import annotations

import pytest

from engine.data.checks.words import one_slip, table_of, words_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I can't pay", "i cannot pay"),
        ("What\u2019s up?", "what is up"),
        ("They didnt come!", "they did not come"),
        ("It costs $1,000.", "it costs 1000"),
    ],
)
def test_contractions_case_and_punctuation_make_no_difference(one: str, other: str) -> None:
    assert words_of(one) == words_of(other)


def test_numbers_stay_whole() -> None:
    assert words_of("about 3.5 of 12 (v2)") == ["about", "3.5", "of", "12", "v2"]


def test_scripts_without_spaces_give_pairs_of_characters() -> None:
    assert words_of("我的卡 card") == ["我的", "的卡", "card"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("crad", "card", True),
        ("recive", "receive", True),
        ("paymemt", "payment", True),
        ("cord", "card", False),
        ("lost", "cost", False),
        ("same", "same", False),
        ("transfers", "transport", False),
    ],
)
def test_one_slip_is_a_letter_more_less_wrong_or_swapped(one: str, other: str, expected: bool) -> None:
    assert one_slip(one, other) is one_slip(other, one) is expected


def test_a_rare_word_next_to_a_common_one_counts_as_that_one() -> None:
    table = table_of((*(f"my payment {at}" for at in range(10)), "my paymnet"))
    assert table.bags[10].indices.tolist() == table.bags[0, :].indices.tolist()[:2]


def test_two_common_words_are_never_merged() -> None:
    table = table_of((*("the charge" for _ in range(20)), *("the change" for _ in range(20))))
    assert table.bags[0].indices.tolist() != table.bags[20].indices.tolist()
