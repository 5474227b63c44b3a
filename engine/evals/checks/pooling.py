"""Scores of all answers together that are no mean of single ones: made of counts that are added up.

A check's verdict carries its counts and the name of the formula, so that a run's score can be computed from
its results alone, without asking or tokenising again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

ORDERS = 4


def bleu_formula(smooth_method: str, smooth_value: float | None) -> str:
    """bleu:METHOD, or bleu:METHOD:VALUE."""
    return f"bleu:{smooth_method}" + ("" if smooth_value is None else f":{smooth_value}")


def chrf_formula(char_order: int, word_order: int, beta: int) -> str:
    """chrf:CHAR_ORDER:WORD_ORDER:BETA."""
    return f"chrf:{char_order}:{word_order}:{beta}"


def pooled(formula: str, counts: Sequence[float]) -> float:
    """The score in [0, 1] of added counts. Raises ValueError for a formula that is not known here."""
    kind, *settings = formula.split(":")
    if kind == "bleu":
        return bleu_of(counts, settings[0], float(settings[1]) if len(settings) > 1 else None)
    if kind == "chrf":
        return chrf_of(formula, counts)
    raise ValueError(f"there is no formula {formula!r}")


def bleu_of(
    counts: Sequence[float],
    smooth_method: str,
    smooth_value: float | None = None,
    effective_order: bool = False,
) -> float:
    """BLEU in [0, 1] of counts as `bleu_counts` gives them, or of their sums."""
    from sacrebleu.metrics.bleu import BLEU

    answer, reference, *grams = (int(one) for one in counts)
    score = BLEU.compute_bleu(
        correct=grams[:ORDERS],
        total=grams[ORDERS:],
        sys_len=answer,
        ref_len=reference,
        smooth_method=smooth_method,
        smooth_value=smooth_value,
        effective_order=effective_order,
    ).score
    return min(1.0, float(score) / 100)


def chrf_of(formula: str, counts: Sequence[float]) -> float:
    """chrF in [0, 1] of its counts, or of their sums."""
    metric: Any = chrf_metric(*map(int, formula.split(":")[1:]))
    return min(1.0, float(metric._compute_f_score([int(one) for one in counts])) / 100)


def chrf_metric(
    char_order: int, word_order: int, beta: int, *, lowercase: bool = False, whitespace: bool = False
) -> Any:
    """sacrebleu's chrF."""
    from sacrebleu.metrics.chrf import CHRF

    return CHRF(char_order, word_order, beta, lowercase=lowercase, whitespace=whitespace)
