"""Which texts are nearly the same: what counts, what does not, and that none of many is missed."""

from __future__ import annotations

import random

import pytest

from engine.data.checks.similarity import near_pairs

FILL = tuple(f"filler sentence about topic {at} and thing {at * 7}" for at in range(30))


def together(one: str, other: str) -> bool:
    found = near_pairs((one, other, *FILL, one + " and some more words that make it long enough to differ"))
    return (0, 1) in set(zip(found.a.tolist(), found.b.tolist(), strict=True))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("where is the card that i ordered", "that card i ordered where is the"),
        ("i cannot find my new card anywhere", "i can't find my new card anywhere please"),
        ("why was my payment declined today", "why was my payment refused today"),
    ],
)
def test_order_contraction_and_a_synonym_make_no_other_text(one: str, other: str) -> None:
    assert together(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("send 20 dollars to my brother now", "send 50 dollars to my brother now"),
        ("my card is working in the shop", "my card is not working in the shop"),
        ("where is my card", "how old must i be to open an account"),
    ],
)
def test_other_numbers_a_negation_or_other_words_make_another_text(one: str, other: str) -> None:
    assert not together(one, other)


def test_long_texts_need_the_same_neighbourhoods_not_only_the_same_words() -> None:
    words = [f"word{at}" for at in range(60)]
    shuffled = words.copy()
    random.Random(0).shuffle(shuffled)
    changed = [*words[:50], *(f"other{at}" for at in range(10))]
    assert not together(" ".join(words), " ".join(shuffled))
    assert together(" ".join(words), " ".join(changed))


def test_half_of_the_words_in_common_is_nearly_always_found() -> None:
    chance = random.Random(1)
    vocabulary = [f"w{at}" for at in range(2000)]
    texts = []
    for _ in range(300):
        words = chance.sample(vocabulary, 12)
        texts += [" ".join(words), " ".join([*words[:8], *chance.sample(vocabulary, 4)])]
    found = near_pairs(tuple(texts))
    pairs = set(zip(found.a.tolist(), found.b.tolist(), strict=True))
    assert sum((at, at + 1) in pairs for at in range(0, 600, 2)) >= 294


def test_a_template_that_all_rows_share_does_not_compare_all_with_all() -> None:
    texts = tuple(
        f"translate the following sentence into french please: item number {at}" for at in range(3000)
    )
    assert len(near_pairs(texts)) == 0


def test_no_text_at_all_is_no_error() -> None:
    assert len(near_pairs(())) == 0
    assert len(near_pairs(("", "?!"))) == 0
