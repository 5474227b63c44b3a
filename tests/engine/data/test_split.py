"""Held-out rows: exact shares, seeded, stratified, and no question on both sides."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from engine.data.split import RowKey, answers_repeat, choose_heldout

keys_strategy = st.lists(
    st.builds(RowKey, asked=st.integers(0, 60).map(str), answered=st.integers(0, 5).map(str)),
    min_size=2,
    max_size=120,
)


def distinct(rows: int, classes: int) -> list[RowKey]:
    return [RowKey(f"q{index}", f"a{index % classes}") for index in range(rows)]


def test_the_share_is_exact_in_total_and_per_answer() -> None:
    keys = distinct(1000, 7)
    chosen = choose_heldout(keys, 0.1, seed=0, stratify=True)
    assert len(chosen) == 100
    assert set(Counter(keys[index].answered for index in chosen).values()) <= {14, 15}


def test_the_seed_decides_and_nothing_else() -> None:
    keys = distinct(200, 4)
    first, again, other = (choose_heldout(keys, 0.2, seed, stratify=True) for seed in (1, 1, 2))
    assert (first == again, first == other) == (True, False)


def test_the_order_of_the_file_does_not_matter() -> None:
    keys = distinct(200, 4)
    forward = {keys[index].asked for index in choose_heldout(keys, 0.2, 0, stratify=True)}
    backward = keys[::-1]
    assert {backward[index].asked for index in choose_heldout(backward, 0.2, 0, stratify=True)} == forward


@given(keys=keys_strategy, share=st.floats(0.01, 0.99), stratify=st.booleans())
def test_a_question_never_stands_on_both_sides(keys: list[RowKey], share: float, stratify: bool) -> None:
    chosen = choose_heldout(keys, share, 0, stratify)
    inside = {keys[index].asked for index in chosen}
    outside = {key.asked for index, key in enumerate(keys) if index not in chosen}
    assert not inside & outside


@given(rows=st.integers(2, 300), classes=st.integers(1, 10), share=st.floats(0.001, 0.999))
def test_distinct_questions_give_exactly_the_rounded_share(rows: int, classes: int, share: float) -> None:
    chosen = choose_heldout(distinct(rows, classes), share, 0, stratify=True)
    assert len(chosen) == min(max(round(share * rows), 1), rows - 1)


def test_a_share_of_zero_and_a_single_row_hold_nothing_out() -> None:
    assert choose_heldout(distinct(10, 2), 0.0, 0, stratify=True) == set()
    assert choose_heldout(distinct(1, 1), 0.5, 0, stratify=True) == set()


def test_free_text_answers_are_no_classes() -> None:
    assert not answers_repeat([RowKey(f"q{index}", f"a{index}") for index in range(100)])
    assert answers_repeat(distinct(100, 20))
