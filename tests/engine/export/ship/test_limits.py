"""The limits of a type: what of a file's figures warns, and what blocks."""

from __future__ import annotations

import pytest

from engine.export.ship.asked import Level
from engine.export.ship.check import judge_answers
from engine.export.ship.positions import Compared, Measured
from engine.export.ship.reading import Continuation
from engine.export.tolerances import TOLERANCES
from store.records.exports import ShipCheck


def levels(kind: str, agreeing: float, divergence: float) -> list[Level]:
    """What is said of a file of 100 tokens of which so many agree, each with this divergence."""
    gaps = [0.0 if place < 100 * agreeing else 0.5 for place in range(100)]
    text = Continuation([1], [7] * 100, [7] * 100, True, 0, 100)
    measured = Measured([Compared(text, [9] * 100, gaps, [divergence] * 100)])
    record = ShipCheck("SHIP", top1_agreement=agreeing, tokens=100)
    return [level for level, _ in judge_answers(record, measured, TOLERANCES[kind], str)]


@pytest.mark.parametrize("kind", [kind for kind in TOLERANCES if not TOLERANCES[kind].exact])
def test_first_choices_that_rounding_turned_block_only_where_much_else_is_turned(kind: str) -> None:
    limits = TOLERANCES[kind]
    assert levels(kind, 1.0, 0.0) == []
    assert levels(kind, limits.block_below - 0.1, limits.kl_mean[0] / 2) == ["WARN"]
    assert levels(kind, limits.block_below - 0.1, limits.kl_mean[0] * 1.1) == ["BLOCK", "WARN"]
    assert "BLOCK" in levels(kind, 1.0, limits.kl_mean[1] * 1.1)


@pytest.mark.parametrize("kind", ["f32", "f16", "bf16"])
def test_in_float_types_one_token_that_is_no_tie_blocks(kind: str) -> None:
    assert levels(kind, 0.99, 0.0) == ["BLOCK"]


def test_a_coarser_type_is_allowed_no_less() -> None:
    order = ["f32", "bf16", "q8_0", "q6_k", "q5_k_m", "q4_k_m", "iq4_xs", "q4_0", "q3_k_m", "iq2_xxs"]
    limits = [TOLERANCES[kind] for kind in order]
    for figure in ("kl_mean", "kl_p99", "suite_drop"):
        values = [getattr(one, figure) for one in limits]
        assert values == sorted(values)
