"""Rows outside the task as it is written down (task_file.py says how).

With an embedder a row is compared by meaning, else by words. Both only name rows that lie nearer to something
that is out than to all that is in: a description seldom lists all that belongs, so a row that is near to
nothing is no finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from engine.data.checks.contract import Basis, CannotRun
from engine.data.checks.task_file import Task, read_task
from store.records.findings import Finding

NEAR, MARGIN = 0.3, 0.1
"""Cosine from which a row is about an item, and by how much what is out must be nearer than all that is in.

Measured with all-MiniLM-L6-v2 on CLINC150, 9 lines for each side written without looking at its rows: of 300
rows in the task none was taken for out, of 300 that are out 78% were found (60% at 0.35, 89% at 0.25, where
rows that neither side names begin to be taken for out as well).
"""
SHARED_WORDS = 2
"""Words, function words apart, that a row must share with what is out, and have over what is in."""
SHOWN_LETTERS = 80
EMBED_AT_ONCE = 512


class Nearest(NamedTuple):
    """The nearest item of each side, and how near."""

    outside: str
    out_score: float
    in_score: float


def check(basis: Basis) -> Iterator[Finding]:
    """Rows that are about what is out. Raises CannotRun without a task file or one that names nothing out."""
    if not basis.settings.task.strip():
        raise CannotRun("there is no data/TASK.md (and no --task FILE) that says what is in the task")
    task = read_task(basis.settings.task)
    if not task.outside:
        raise CannotRun("the task file has no heading that says what is out")
    found = by_meaning(basis, task) if basis.embed is not None else by_words(basis, task)
    if found:
        yield Finding(
            id="off_task",
            check="off_task",
            severity="warn",
            title=f"{len(found):,} rows are about what the task file says is out",
            count=len(found),
            rows=basis.refs(found),
            remedy=f"Take them out: temper data fix {basis.info.name} --drop off_task",
            detail="compared by meaning" if basis.embed is not None else "compared by words",
            notes={basis.rows[at]: _note(nearest) for at, nearest in sorted(found.items())},
            figures={"items_in": len(task.inside), "items_out": len(task.outside)},
        )


def by_meaning(basis: Basis, task: Task) -> dict[int, Nearest]:
    """Row index to its nearest items, by cosine, of the rows that are out."""
    import numpy as np

    assert basis.embed is not None
    inside, outside = basis.embed(task.inside), basis.embed(task.outside)
    found: dict[int, Nearest] = {}
    for begin in range(0, len(basis.asked), EMBED_AT_ONCE):
        basis.progress(begin, len(basis.asked))
        rows = basis.embed(basis.asked[begin : begin + EMBED_AT_ONCE])
        near_in, near_out = (rows @ inside.T).max(axis=1), rows @ outside.T
        for at in np.flatnonzero(near_out.max(axis=1) >= np.maximum(NEAR, near_in + MARGIN)):
            item = int(near_out[at].argmax())
            nearest = Nearest(task.outside[item], float(near_out[at, item]), float(near_in[at]))
            found[begin + int(at)] = nearest
    return found


def by_words(basis: Basis, task: Task) -> dict[int, Nearest]:
    """The same by shared word stems: enough with something out, and more than with anything in."""
    from engine.retrieval.words import terms

    inside = [set(terms(item)) for item in task.inside]
    outside = [set(terms(item)) for item in task.outside]
    found: dict[int, Nearest] = {}
    for at, asked in enumerate(basis.asked):
        words = set(terms(asked))
        shared = [len(words & item) for item in outside]
        most_in = max(len(words & item) for item in inside)
        if max(shared) >= most_in + SHARED_WORDS:
            item = shared.index(max(shared))
            found[at] = Nearest(task.outside[item], max(shared), most_in)
    return found


def _note(nearest: Nearest) -> str:
    item = nearest.outside[:SHOWN_LETTERS]
    return f"out: {item!r} ({nearest.out_score:.3g}, nearest in {nearest.in_score:.3g})"
