"""Near-duplicates: rows that ask nearly the same and answer the same, so that one teaches nothing new.

A pair is nearly the same by its words (engine.data.checks.similarity); where there is an embedder, its cosine
must agree. Rows of different splits are no duplicates of each other but a leak, and looked for there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from engine.data.checks.answers import canonicals_of, say_the_same
from engine.data.checks.contract import Basis, normal
from engine.data.checks.questions import questions_of
from engine.data.checks.similarity import near_pairs
from engine.data.checks.vectors import cosines
from store.records.findings import Finding, Group

WORDS_ALONE = 0.6
"""Least Jaccard similarity of the questions' words where nothing but words can be asked."""
SIMILARITIES = (0.5, 0.6, 0.8)
"""With an embedder, at these Jaccard similarities (linear between them)"""
COSINES = (0.95, 0.7, 0.4)
"""the cosine must be at least this: the fewer words two questions share, the closer their meaning must be.
Misspellings, which words forgive, lower a cosine much, so where words agree it need not be high."""
MOST_ALIKE = 24
"""Of rows that ask the very same, each is compared with so many that follow, and"""
MOST_PER_QUESTION = 8
"""of two questions that are nearly the same, so many rows of each."""


class Rows(msgspec.Struct):
    """What of rows [n] says whether one is redundant. `apart` tells rows that must not be compared."""

    asked: Sequence[str]
    answers: Sequence[str]
    rejected: Sequence[str]
    apart: Sequence[object]


def check(basis: Basis) -> Iterator[Finding]:
    """One finding: groups of a row to keep and the rows that are nearly the same as it."""
    basis.progress(0, 2)
    apart = list(zip(basis.splits, basis.contexts, basis.labels, strict=True))
    rows = Rows(basis.asked, basis.answers, basis.rejected, apart)
    near = redundant(rows, basis)
    basis.progress(1, 2)
    kept = choose_kept(near)
    if not kept:
        return
    groups = [
        Group(
            [basis.rows[keeper], *(basis.rows[row] for row in dropped)],
            f"like line {basis.lines[keeper]}: {_listed([basis.lines[row] for row in dropped])}",
            round(min(near[keeper][row] for row in dropped), 3),
        )
        for keeper, dropped in kept.items()
    ]
    keeper_of = {row: keeper for keeper, dropped in kept.items() for row in dropped}
    yield Finding(
        id="near_duplicate",
        check="near_duplicate",
        severity="warn",
        title=f"{len(keeper_of)} rows say nearly the same as another",
        count=len(keeper_of),
        rows=basis.refs(keeper_of),
        remedy=f"temper data fix {basis.info.name} --drop-near-duplicates",
        detail="The question is nearly the same and the answer is the same. One row of each group stays.",
        groups=groups,
        notes={
            basis.rows[row]: f"{near[keeper][row]:.2f} like line {basis.lines[keeper]}"
            for row, keeper in keeper_of.items()
        },
        figures={
            "groups": len(groups),
            "pairs": sum(map(len, near.values())) // 2,
            "least": WORDS_ALONE if basis.embed is None else SIMILARITIES[0],
            "embedder": basis.embed is not None,
        },
    )


def redundant(rows: Rows, basis: Basis | None = None) -> dict[int, dict[int, float]]:
    """Rows that are nearly the same, each with its like and how alike they are (Jaccard), both ways.

    Of exact duplicates only the first is looked at. `basis` gives the embedder, if there is one.
    """
    first = _first_of_each(rows)
    questions = questions_of(rows.asked)
    by_question: list[list[int]] = [[] for _ in questions.texts]
    for row in first:
        by_question[questions.of[row]].append(row)
    near: dict[int, dict[int, float]] = defaultdict(dict)
    for a, b, score in _pairs(rows, questions.texts, by_question, basis):
        near[a][b] = near[b][a] = score
    return dict(near)


def choose_kept(near: dict[int, dict[int, float]]) -> dict[int, list[int]]:
    """Which rows to keep, each with the rows it stands for: every row dropped is itself like the one kept.

    Greedy: the row with most neighbours left first, of these the earliest. So chains of ever less similar
    rows are not merged into one.
    """
    left = {row: set(others) for row, others in near.items()}
    buckets: dict[int, set[int]] = defaultdict(set)
    for row, others in left.items():
        buckets[len(others)].add(row)
    kept: dict[int, list[int]] = {}
    for size in range(max(buckets, default=0), 0, -1):
        while buckets[size]:
            keeper = min(buckets[size])
            kept[keeper] = sorted(left[keeper])
            for gone in (keeper, *kept[keeper]):
                buckets[len(left[gone])].discard(gone)
                for other in left.pop(gone):
                    if other in left:
                        buckets[len(left[other])].discard(other)
                        left[other].discard(gone)
                        buckets[len(left[other])].add(other)
    return dict(sorted(kept.items()))


def _first_of_each(rows: Rows) -> list[int]:
    questions = questions_of(rows.asked)
    answers = canonicals_of(rows.answers)
    seen: dict[tuple[object, ...], int] = {}
    for row, apart in enumerate(rows.apart):
        seen.setdefault((apart, questions.of[row], answers[row], normal(rows.rejected[row])), row)
    return list(seen.values())


def _pairs(
    rows: Rows, questions: tuple[str, ...], by_question: Sequence[list[int]], basis: Basis | None
) -> Iterator[tuple[int, int, float]]:
    import numpy as np

    for same in by_question:
        for at, a in enumerate(same):
            for b in same[at + 1 : at + 1 + MOST_ALIKE]:
                if _teach_the_same(rows, a, b):
                    yield a, b, 1.0
    found = near_pairs(questions)
    if basis is not None and basis.embed is not None:
        least = np.interp(found.score, SIMILARITIES, COSINES)
        found = found.where(cosines(basis.embed, questions, found.a, found.b) >= least)
    else:
        found = found.where(found.score >= WORDS_ALONE)
    for one, other, score in zip(found.a.tolist(), found.b.tolist(), found.score.tolist(), strict=True):
        for a in by_question[one][:MOST_PER_QUESTION]:
            for b in by_question[other][:MOST_PER_QUESTION]:
                if _teach_the_same(rows, a, b):
                    yield a, b, score


def _teach_the_same(rows: Rows, a: int, b: int) -> bool:
    return (
        rows.apart[a] == rows.apart[b]
        and say_the_same(rows.answers[a], rows.answers[b])
        and say_the_same(rows.rejected[a], rows.rejected[b])
    )


def _listed(lines: Sequence[int], most: int = 8) -> str:
    shown = ", ".join(str(line) for line in lines[:most])
    return f"{'line' if len(lines) == 1 else 'lines'} {shown}" + (
        f" and {len(lines) - most} more" if len(lines) > most else ""
    )
