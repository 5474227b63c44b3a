"""Figures token by token, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from engine.export.ship.positions import Compared, Measured, divergence
from engine.export.ship.reading import Continuation


def scores(*rows: list[float]) -> npt.NDArray[np.float32]:
    return np.array(rows, dtype=np.float32)


def compared(gaps: list[float], own: bool = True, divergences: tuple[float, ...] = ()) -> Compared:
    text = Continuation([1], [7] * len(gaps), [7] * len(gaps), own, 0, 0)
    return Compared(text, [9] * len(gaps), gaps, list(divergences))


def test_the_divergence_is_that_of_the_definition() -> None:
    halves, quarters = [0.0, 0.0], [0.0, math.log(3)]  # shares of 1/2, 1/2 and of 1/4, 3/4
    wanted = 0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75)
    assert divergence(scores(halves), scores(quarters)) == pytest.approx([wanted])


def test_scores_that_differ_by_a_constant_do_not_diverge() -> None:
    left, right = scores([1.0, 2.0, -300.0]), scores([101.0, 102.0, -200.0])
    assert divergence(left, right) == pytest.approx([0.0], abs=1e-12)


def test_the_high_divergence_is_what_99_of_100_do_not_exceed() -> None:
    measured = Measured([compared([0.0], divergences=tuple(float(one) for one in range(1, 101)))])
    assert measured.high_divergence == 99.0
    assert measured.mean_divergence == 50.5


def test_a_tie_agrees_and_a_prefix_ends_at_the_first_token_that_does_not() -> None:
    measured = Measured([compared([0.0, 0.01, 0.5, 0.0]), compared([0.9, 0.0], own=False)])
    assert measured.agreement(0.05) == pytest.approx(4 / 6)
    assert measured.prefix_agreement(0.05) == 0.5
    assert measured.first_difference(0.05, str) == "token 3 of text 1: '7' instead of '9'"
