"""Length as a giveaway: far beyond chance and large, or nothing is said."""

from __future__ import annotations

import random

import pytest

from engine.data.checks.contract import Basis
from engine.data.checks.length_bias import check, of_groups
from tests.engine.data.checks.rows import basis, found


def pairs(longer: int, rows: int) -> Basis:
    chance = random.Random(0)
    lengths = [sorted(chance.sample(range(5, 60), 2), reverse=at < longer) for at in range(rows)]
    return basis(
        [(f"q{at}", "w " * one) for at, (one, _) in enumerate(lengths)],
        kind="preference",
        rejected=["w " * other for _, other in lengths],
    )


def test_chosen_answers_that_are_nearly_always_longer_are_a_finding() -> None:
    finding = found(check, pairs(90, 100))["length_bias"]
    assert finding.figures["share_longer"] == 0.9
    assert finding.figures["p_sign"] < 1e-9
    assert finding.title == "Good answers are longer than bad ones: in 90% of comparisons"


def test_shorter_is_a_bias_too() -> None:
    assert "shorter" in found(check, pairs(5, 100))["length_bias"].title


@pytest.mark.parametrize(("longer", "rows"), [(55, 100), (9, 10)])
def test_chance_and_a_handful_of_rows_are_no_finding(longer: int, rows: int) -> None:
    assert not found(check, pairs(longer, rows))


def test_ratings_are_compared_as_two_groups() -> None:
    labels = [at % 2 == 0 for at in range(80)]
    rows = [(f"q{at}", "w " * (30 + at if good else 5 + at // 2)) for at, good in enumerate(labels)]
    finding = found(check, basis(rows, kind="unpaired_preference", labels=labels))["length_bias"]
    assert finding.figures["effect"] > 0.9


def test_no_difference_between_groups_has_no_effect() -> None:
    assert of_groups(list(range(40)), list(range(40)))["effect"] == 0.0
