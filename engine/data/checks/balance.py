"""Balance: how often each class stands, in train and held out; and how many ratings are good ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from engine.data.checks.answers import classes_of
from engine.data.checks.contract import Basis
from store.records.findings import Finding, Severity

RATIO = 10
"""The largest class is so many times the smallest: worth a warning."""
FEW = 10
"""A class with fewer train rows is hardly learnt."""
SKEWED = 0.2
"""Share of the rarer rating below which training leans to one side."""


def check(basis: Basis) -> Iterator[Finding]:
    """One finding with the counts, for answers that are classes or for ratings."""
    if basis.info.kind == "unpaired_preference":
        yield from _ratings(basis)
    elif basis.info.kind in ("chat", "completion"):
        yield from _classes(basis)


def _classes(basis: Basis) -> Iterator[Finding]:
    classes = classes_of(basis.answers)
    if classes is None:
        return
    known = [(one, split) for one, split in zip(classes.of, basis.splits, strict=True) if one is not None]
    figures = figures_of([one for one, _ in known], [split for _, split in known])
    few, unseen = figures["few"], figures["missing_in_train"]
    rare = [row for row, one in enumerate(classes.of) if one in few or one in unseen]
    troubles = [f"{len(few)} classes have fewer than {FEW} train rows"] if few else []
    troubles += [f"{len(unseen)} held-out classes never stand in train"] if unseen else []
    if figures["ratio"] >= RATIO:
        troubles.append(f"the largest has {figures['ratio']:.0f} times the rows of the smallest")
    severity: Severity = "warn" if troubles else "info"
    yield Finding(
        id="imbalance",
        check="imbalance",
        severity=severity,
        title=f"{figures['classes']} classes: {'; '.join(troubles) or 'balanced well enough'}",
        count=len(rare),
        rows=basis.refs(rare),
        remedy="Add rows of the rare classes, or merge classes that are served alike." if troubles else "",
        detail=f"Normalised entropy {figures['entropy']:.3f} (1: all classes alike).",
        figures={"field": classes.field, **figures},
    )


def figures_of(classes: Sequence[str], splits: Sequence[str]) -> dict[str, Any]:
    """Counts per class and split, the largest first, and what stands out.

    `entropy` is Shannon's over the logarithm of the number of classes: 1 where all are alike. `ratio` is the
    largest class over the smallest.
    """
    total = Counter(classes)
    by_split = {
        split: Counter(one for one, at in zip(classes, splits, strict=True) if at == split)
        for split in set(splits)
    }
    train = by_split.get("train", Counter[str]())
    heldout = sum((counts for split, counts in by_split.items() if split != "train"), Counter[str]())
    shares = [count / len(classes) for count in total.values()]
    entropy = -sum(share * math.log(share) for share in shares)
    sizes = [count for _, count in total.most_common()]
    return {
        "classes": len(total),
        "counts": [
            {"class": name, "rows": count, "train": train[name], "heldout": heldout[name]}
            for name, count in sorted(total.items(), key=lambda item: (-item[1], item[0]))
        ],
        "largest": sizes[0],
        "smallest": sizes[-1],
        "ratio": round(sizes[0] / sizes[-1], 3),
        "entropy": round(entropy / math.log(len(total)), 4) if len(total) > 1 else 0.0,
        "few": sorted(name for name in total if 0 < train[name] < FEW),
        "missing_in_train": sorted(name for name in total if not train[name]),
        "missing_in_heldout": sorted(name for name in total if not heldout[name]) if heldout else [],
    }


def _ratings(basis: Basis) -> Iterator[Finding]:
    rated = [label for label in basis.labels if label is not None]
    if not rated:
        return
    good = sum(rated)
    share = good / len(rated)
    skewed = min(share, 1 - share) < SKEWED
    yield Finding(
        id="imbalance",
        check="imbalance",
        severity="warn" if skewed else "info",
        title=f"{share:.0%} of {len(rated)} rated answers are desirable",
        count=0,
        rows=[],
        remedy="Add ratings of the rarer kind." if skewed else "",
        figures={"desirable": good, "undesirable": len(rated) - good, "share": round(share, 4)},
    )
