"""Planted faults are what they say: the share of words changed, and numbers that a checker must accept."""

from __future__ import annotations

import random

import pytest
from stdnum import iban, luhn

from scripts.real_runs.planting import LEAST, MOST, jaccard, near_duplicate, with_personal_data

TEXT = "I do not know why my new card was declined when I tried to buy something in the shop today."


def test_a_near_duplicate_changes_the_asked_share_of_words() -> None:
    chance = random.Random(0)
    shares = [near_duplicate(TEXT, chance).share for _ in range(300)]
    assert min(shares) >= LEAST - 0.05
    assert max(shares) <= MOST


def test_the_same_seed_plants_the_same() -> None:
    assert near_duplicate(TEXT, random.Random(7)) == near_duplicate(TEXT, random.Random(7))


def test_all_kinds_of_change_come_up() -> None:
    chance = random.Random(1)
    kinds = {kind for _ in range(100) for kind in near_duplicate(TEXT, chance).kinds}
    assert kinds == {"synonym", "order", "contraction", "typo"}


def test_a_text_too_short_to_change_a_share_of_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        near_duplicate("Where is it?", random.Random(0))


def test_jaccard_is_over_words_without_case_and_marks() -> None:
    assert jaccard("Where is it?", "it IS where") == 1.0
    assert jaccard("a b c", "b c d") == 0.5


def test_planted_cards_and_ibans_have_right_checksums() -> None:
    chance = random.Random(2)
    for _ in range(50):
        card = "".join(filter(str.isdigit, with_personal_data("", 2, chance)))
        assert len(card) == 16
        assert luhn.is_valid(card)
        account = with_personal_data("", 3, chance)
        found = account[account.index("DE") :].replace(" ", "")[:22]
        assert iban.is_valid(found)
