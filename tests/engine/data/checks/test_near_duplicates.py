"""Near-duplicates: rows of which one teaches nothing new, and which of them stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.data.checks.near_duplicates import check, choose_kept
from tests.engine.data.checks.rows import basis, found, rows_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CARD = "why has my new card not arrived at my house"
LIKE = "why hasn't my new card arrived at my house yet"
SAME_WORDS = "why has my new card not come to my house"


def test_a_row_that_asks_nearly_the_same_and_answers_the_same_can_go() -> None:
    finding = found(check, basis([(CARD, "arrival"), ("how do i pay", "pay"), (LIKE, "arrival")]))[
        "near_duplicate"
    ]
    assert (rows_of(finding), finding.groups[0].rows) == (["r2"], ["r0", "r2"])
    assert finding.groups[0].score == 0.9
    assert finding.notes == {"r2": "0.90 like line 1"}


def test_another_answer_is_no_near_duplicate() -> None:
    assert not found(check, basis([(CARD, "arrival"), (LIKE, "delivery")]))


def test_another_split_or_system_message_is_no_near_duplicate() -> None:
    assert not found(check, basis([(CARD, "arrival"), (LIKE, "arrival")], heldout=[1]))
    assert not found(check, basis([(CARD, "arrival"), (LIKE, "arrival")], contexts=["", "x"]))


def test_the_same_question_with_a_reworded_long_answer_is_one() -> None:
    answers = ("It comes within five working days by post.", "It comes by post, within five working days.")
    assert found(check, basis([("when", answer) for answer in answers]))


def test_exact_duplicates_are_left_to_their_own_check() -> None:
    assert not found(check, basis([(CARD, "arrival"), (CARD.upper(), "arrival")]))


def test_what_words_call_alike_the_embedder_can_deny() -> None:
    def apart(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        import numpy as np

        return np.eye(len(texts), dtype=np.float32)

    rows = [(CARD, "arrival"), (SAME_WORDS, "arrival")]
    assert found(check, basis(rows))
    assert not found(check, basis(rows, embed=apart))


def test_a_chain_is_not_merged_each_dropped_row_is_like_the_one_kept() -> None:
    chain = {0: {1: 0.7}, 1: {0: 0.7, 2: 0.7}, 2: {1: 0.7, 3: 0.7}, 3: {2: 0.7}}
    assert choose_kept(chain) == {1: [0, 2]}


def test_the_row_with_most_neighbours_stays() -> None:
    star = {0: {3: 0.8}, 1: {3: 0.8}, 2: {3: 0.8}, 3: {0: 0.8, 1: 0.8, 2: 0.8}}
    assert choose_kept(star) == {3: [0, 1, 2]}
