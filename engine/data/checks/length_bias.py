"""Whether length alone tells the good answer from the bad one: a model then learns to be long, or short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from engine.data.checks.contract import Basis
from engine.data.checks.words import words_of
from store.records.findings import Finding

LEAST_ROWS = 20
SIGNIFICANT = 0.001
EFFECT = 0.3
"""Least effect worth a warning, a rank-biserial correlation: 0 is none, at 1 good ones are always longer."""


def check(basis: Basis) -> Iterator[Finding]:
    """One finding where the bias is far beyond chance and large, for pairs and for ratings."""
    if basis.info.kind == "preference":
        chosen, rejected = (
            [len(words_of(text)) for text in texts] for texts in (basis.answers, basis.rejected)
        )
        figures = of_pairs(chosen, rejected)
    elif basis.info.kind == "unpaired_preference":
        rated = [
            (len(words_of(answer)), label) for answer, label in zip(basis.answers, basis.labels, strict=True)
        ]
        figures = of_groups(
            [length for length, label in rated if label is True],
            [length for length, label in rated if label is False],
        )
    else:
        return
    if not figures or figures["p"] > SIGNIFICANT or abs(figures["effect"]) < EFFECT:
        return
    longer = "longer" if figures["effect"] > 0 else "shorter"
    yield Finding(
        id="length_bias",
        check="length_bias",
        severity="warn",
        title=f"Good answers are {longer} than bad ones: {_shown(figures)}",
        count=0,
        rows=[],
        remedy="Add pairs of equal length or where the other one is longer.",
        detail=f"Lengths in words. Effect (rank-biserial) {figures['effect']:+.2f}, p {figures['p']:.1g}.",
        figures=figures,
    )


def of_pairs(chosen: Sequence[int], rejected: Sequence[int]) -> dict[str, Any]:
    """How lengths of pairs differ: sign test, Wilcoxon's signed-rank test and its matched-pairs rank-biserial
    correlation (Kerby 2014); pairs of equal length say nothing. Empty for fewer than LEAST_ROWS others.
    """
    import numpy as np
    from scipy.stats import binomtest, rankdata, wilcoxon

    pairs = [(a, b) for a, b in zip(chosen, rejected, strict=True) if a != b]
    if len(pairs) < LEAST_ROWS:
        return {}
    differences = np.array([a - b for a, b in pairs], dtype=float)
    longer = int((differences > 0).sum())
    ranks = rankdata(np.abs(differences))
    balance = ranks[differences > 0].sum() - ranks[differences < 0].sum()
    ratios = [a / b for a, b in zip(chosen, rejected, strict=True) if b]
    return {
        "pairs": len(chosen),
        "longer": longer,
        "equal": len(chosen) - len(pairs),
        "share_longer": round(longer / len(pairs), 4),
        "median_ratio": round(float(np.median(ratios)), 4) if ratios else None,
        "p_sign": float(binomtest(longer, len(pairs)).pvalue),
        "p": float(wilcoxon(differences).pvalue),
        "effect": round(float(balance / ranks.sum()), 4),
    }


def of_groups(good: Sequence[int], bad: Sequence[int]) -> dict[str, Any]:
    """How lengths of rated answers differ: the test of Mann and Whitney and its rank-biserial correlation.

    Empty where either has fewer than LEAST_ROWS.
    """
    import numpy as np
    from scipy.stats import mannwhitneyu

    if min(len(good), len(bad)) < LEAST_ROWS:
        return {}
    test = mannwhitneyu(good, bad)
    share = float(test.statistic) / (len(good) * len(bad))
    return {
        "good": len(good),
        "bad": len(bad),
        "share_longer": round(share, 4),
        "median_ratio": round(float(np.median(good) / max(np.median(bad), 1)), 4),
        "p": float(test.pvalue),
        "effect": round(2 * share - 1, 4),
    }


def _shown(figures: dict[str, Any]) -> str:
    share = figures["share_longer"] if figures["effect"] > 0 else 1 - figures["share_longer"]
    return f"in {share:.0%} of comparisons"
