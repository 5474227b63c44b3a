"""How far annotators agree: Cohen's and Fleiss' kappa over items that several of them labelled.

Knows nothing of rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

Ratings = Sequence[Mapping[str, str]]
"""For each item the class that each annotator gave it."""


def cohen_kappa(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Agreement of two annotators beyond chance, (p_o - p_e) / (1 - p_e) (Cohen 1960).

    None without items, or where both gave all items one and the same class, so that chance explains all.
    """
    if not pairs:
        return None
    total = len(pairs)
    observed = sum(one == other for one, other in pairs) / total
    ones, others = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    expected = sum(ones[name] * others[name] for name in ones) / total**2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def fleiss_kappa(items: Sequence[Sequence[str]]) -> float | None:
    """Agreement of any number of annotators beyond chance (Fleiss 1971), items with one label left out.

    Where items have different numbers of labels, each counts by its pairs of labels (Fleiss, Levin
    and Paik 2003, section 18.3). None where there is nothing to agree on.
    """
    counted = [Counter(labels) for labels in items if len(labels) > 1]
    if not counted:
        return None
    shares: Counter[str] = Counter()
    for counts in counted:
        shares.update(counts)
    total = shares.total()
    expected = sum((count / total) ** 2 for count in shares.values())
    agreeing = sum(count * (count - 1) for counts in counted for count in counts.values())
    comparisons = sum(counts.total() * (counts.total() - 1) for counts in counted)
    observed = agreeing / comparisons
    return None if expected == 1 else (observed - expected) / (1 - expected)


def figures_of(ratings: Ratings) -> dict[str, Any]:
    """`pairs` of annotators, the least agreed first, and `fleiss_kappa`; empty without two annotators."""
    ratings = [item for item in ratings if len(item) > 1]
    names = sorted({name for item in ratings for name in item})
    pairs = []
    for one, other in combinations(names, 2):
        both = [(item[one], item[other]) for item in ratings if one in item and other in item]
        if both:
            pairs.append(
                {
                    "a": one,
                    "b": other,
                    "items": len(both),
                    "disagree": sum(a != b for a, b in both),
                    "cohen_kappa": cohen_kappa(both),
                }
            )
    if not pairs:
        return {}
    pairs.sort(key=lambda pair: -pair["disagree"])  # type: ignore[operator]  # the values differ in type
    return {
        "annotators": names,
        "items": len(ratings),
        "fleiss_kappa": fleiss_kappa([list(item.values()) for item in ratings]),
        "pairs": pairs,
    }
