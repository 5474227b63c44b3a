"""Which rows of a file are nearly the same, so that a split can keep them on one side.

Does not know what the sides are. Holds the text of all rows in memory.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from engine.data.checks.contract import answer_of, asked_of, context_of, normal, rejected_of
from engine.data.checks.near_duplicates import Rows, redundant
from engine.data.checks.similarity import near_pairs
from store import example_table

ASKED = 0.8
"""Questions of at least this Jaccard similarity stay together whatever their answers."""


def alike_rows(path: Path) -> set[tuple[int, int]]:
    """Pairs of row indices, enough of them to tie all rows together that are nearly the same.

    The pairs do not depend on the order of the rows in the file.
    """
    found = [
        (asked_of(one), answer_of(one), rejected_of(one), context_of(one)) for one in example_table.read(path)
    ]
    order = sorted(range(len(found)), key=found.__getitem__)
    asked, answers, rejected, contexts = (
        list(column) for column in zip(*(found[at] for at in order), strict=True)
    )
    near = redundant(Rows(asked, answers, rejected, contexts))
    pairs = {(order[a], order[b]) for a, others in near.items() for b in others}
    first: dict[str, dict[str, int]] = defaultdict(dict)
    for at, text in enumerate(asked):
        first[normal(text)].setdefault(contexts[at], at)
    questions = tuple(first)
    close = near_pairs(questions)
    close = close.where(close.score >= ASKED)
    for one, other in zip(close.a.tolist(), close.b.tolist(), strict=True):
        here, there = first[questions[one]], first[questions[other]]
        pairs |= {(order[here[context]], order[there[context]]) for context in here.keys() & there.keys()}
    return pairs
