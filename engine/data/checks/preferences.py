"""Preferences that contradict each other: A over B and B over A, longer cycles, an answer rated both ways."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from engine.data.checks.contract import Basis, normal
from store.records.findings import Finding, Group

Edge = tuple[int, int]


def check(basis: Basis) -> Iterator[Finding]:
    """Contradictions and cycles between pairs, or ratings that contradict."""
    if basis.info.kind == "preference":
        yield from _between_pairs(basis)
    elif basis.info.kind == "unpaired_preference":
        yield from _between_ratings(basis)


def _between_pairs(basis: Basis) -> Iterator[Finding]:
    rows_of: dict[Edge, list[int]] = defaultdict(list)
    places: dict[tuple[str, str, str], int] = {}
    for row, asked in enumerate(basis.asked):
        question = (basis.contexts[row], normal(asked))
        better, worse = (
            places.setdefault((*question, normal(answer)), len(places))
            for answer in (basis.answers[row], basis.rejected[row])
        )
        if better != worse:
            rows_of[better, worse].append(row)
    mutual = [(a, b) for a, b in rows_of if a < b and (b, a) in rows_of]
    groups = [sorted(rows_of[a, b] + rows_of[b, a]) for a, b in mutual]
    if groups:
        yield _finding(
            basis,
            "preference_conflict",
            groups,
            f"{len(groups)} pairs of answers are each preferred to the other",
            "The same two answers to the same prompt, ranked both ways: such rows cancel out.",
        )
    for_cycles = {edge: rows for edge, rows in rows_of.items() if edge[::-1] not in rows_of}
    if cycles := _cycles(for_cycles, len(places)):
        yield _finding(
            basis,
            "preference_conflict/cycle",
            cycles,
            f"{len(cycles)} prompts rank their answers in a circle",
            "A is preferred to B, B to C, and C to A: no ranking satisfies all of these rows.",
        )


def _cycles(rows_of: dict[Edge, list[int]], answers: int) -> list[list[int]]:
    """The rows of each circle: of the edges inside one strongly connected component of answers."""
    import numpy as np
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    if not rows_of:
        return []
    better, worse = np.array(list(rows_of)).T
    graph = csr_matrix((np.ones(len(better)), (better, worse)), shape=(answers, answers))
    _, component = connected_components(graph, directed=True, connection="strong")
    inside: dict[int, list[int]] = defaultdict(list)
    for (a, b), rows in rows_of.items():
        if component[a] == component[b]:
            inside[int(component[a])].extend(rows)
    return sorted(sorted(rows) for rows in inside.values())


def _between_ratings(basis: Basis) -> Iterator[Finding]:
    rated: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for row, asked in enumerate(basis.asked):
        if basis.labels[row] is not None:
            rated[basis.contexts[row], normal(asked), normal(basis.answers[row])].append(row)
    groups = [rows for rows in rated.values() if len({basis.labels[row] for row in rows}) > 1]
    if groups:
        yield _finding(
            basis,
            "preference_conflict/rating",
            groups,
            f"{len(groups)} answers are rated both desirable and undesirable",
            "The same answer to the same prompt, rated both ways: such rows cancel out.",
        )


def _finding(basis: Basis, name: str, groups: Sequence[list[int]], title: str, detail: str) -> Finding:
    rows = {row for group in groups for row in group}
    return Finding(
        id=name,
        check="preference_conflict",
        severity="warn",
        title=title,
        count=len(rows),
        rows=basis.refs(rows),
        remedy=f"temper data fix {basis.info.name} --drop preference_conflict",
        detail=detail,
        groups=[
            Group(
                [basis.rows[row] for row in group],
                "lines " + ", ".join(str(basis.lines[row]) for row in group),
            )
            for group in groups
        ],
        figures={"groups": len(groups), "share": round(len(rows) / len(basis.rows), 4)},
    )
