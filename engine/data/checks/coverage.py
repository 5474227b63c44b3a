"""Coverage: kinds of input with too few examples, and held-out kinds that training never sees.

Inputs are clustered by what they mean (k-means over the embedder's vectors, seeded); each cluster is named by
its telling words and the row nearest to its middle.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from engine.data.checks.contract import Basis, CannotRun
from engine.data.checks.vectors import vectors_of
from engine.data.checks.words import words_of
from store.records.findings import CheckName, Finding, Group

if TYPE_CHECKING:
    pass

CHECK: CheckName = "coverage"
LEAST_INPUTS = 20
ROWS_PER_CLUSTER = 25
MOST_CLUSTERS = 128
FEW = 5
"""A cluster with fewer train rows is thinly covered."""
TELLING = 4
SHOWN = 200


class Cluster(msgspec.Struct):
    """Inputs that mean much the same: row indices, the nearest to the middle first."""

    rows: list[int]
    train: int
    heldout: int
    words: list[str]


def check(basis: Basis) -> Iterator[Finding]:
    """Clusters with few train rows (info), and held-out clusters without any (warn). Raises CannotRun."""
    clusters = clusters_of(basis)
    figures = {"clusters": [_figures(basis, cluster) for cluster in clusters]}
    missing = [one for one in clusters if one.heldout and not one.train]
    few = [one for one in clusters if 0 < one.train < FEW]
    if missing:
        yield _finding(
            basis,
            "coverage/unseen",
            missing,
            f"{len(missing)} kinds of held-out input have no train row",
            figures,
        )
    yield _finding(
        basis,
        "coverage",
        few,
        f"{len(few)} of {len(clusters)} kinds of input have fewer than {FEW} train rows",
        figures,
    )


def clusters_of(basis: Basis) -> list[Cluster]:
    """All clusters, the largest first. Raises CannotRun without an embedder or with too few inputs."""
    import numpy as np
    from sklearn.cluster import MiniBatchKMeans

    vectors, of = vectors_of(basis)
    if len(vectors) < LEAST_INPUTS:
        raise CannotRun(f"needs at least {LEAST_INPUTS} different inputs")
    count = min(
        max(round(len(vectors) / ROWS_PER_CLUSTER), 2), MOST_CLUSTERS, round(math.sqrt(len(vectors)) * 2)
    )
    model = MiniBatchKMeans(count, random_state=basis.settings.seed, n_init=3, batch_size=2048)
    labels = model.fit_predict(vectors)
    distances = np.linalg.norm(vectors - model.cluster_centers_[labels], axis=1)
    rows_of: dict[int, list[int]] = {}
    for row, place in enumerate(of.tolist()):
        rows_of.setdefault(int(labels[place]), []).append(row)
    words = _telling_words(basis.asked, rows_of)
    found = []
    for label, rows in rows_of.items():
        rows.sort(key=lambda row: (distances[of[row]], row))
        train = sum(basis.splits[row] == "train" for row in rows)
        found.append(Cluster(rows, train, len(rows) - train, words[label]))
    return sorted(found, key=lambda one: (-len(one.rows), one.rows[0]))


def _telling_words(asked: Sequence[str], rows_of: dict[int, list[int]]) -> dict[int, list[str]]:
    """The words of each cluster that stand in it more often than elsewhere: by tf-idf over clusters."""
    inside = {
        label: Counter(word for row in rows[:SHOWN] for word in set(words_of(asked[row])) if len(word) > 2)
        for label, rows in rows_of.items()
    }
    spread = Counter(word for counts in inside.values() for word in counts)
    rarity = {word: math.log((1 + len(inside)) / count) for word, count in spread.items()}
    return {
        label: [
            word
            for word, _ in sorted(counts.items(), key=lambda item: (-item[1] * rarity[item[0]], item[0]))[
                :TELLING
            ]
        ]
        for label, counts in inside.items()
    }


def _figures(basis: Basis, cluster: Cluster) -> dict[str, Any]:
    return {
        "words": cluster.words,
        "row": basis.rows[cluster.rows[0]],
        "train": cluster.train,
        "heldout": cluster.heldout,
    }


def _finding(
    basis: Basis, name: str, clusters: Sequence[Cluster], title: str, figures: dict[str, Any]
) -> Finding:
    rows = [row for cluster in clusters for row in cluster.rows]
    return Finding(
        id=name,
        check=CHECK,
        severity="warn" if name != CHECK else "info",
        title=title,
        count=len(rows),
        rows=basis.refs(rows),
        remedy="Add train rows like those listed." if clusters else "",
        detail="Inputs are clustered by meaning; a cluster is named by its telling words.",
        groups=[
            Group([basis.rows[row] for row in cluster.rows], ", ".join(cluster.words)) for cluster in clusters
        ],
        figures=figures,
    )
