"""What stands in the train split and in the held-out one: there a score measures memory.

Exact by the question, by n-grams of words (Brown et al. 2020, appendix C: n is the fifth percentile of
lengths, at most 13), and where there is an embedder by the cosine of questions. Findings name the train rows,
for those can go; groups pair each held-out row with its train rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from engine.data.checks.answers import SHORT_WORDS, likeness, say_the_same
from engine.data.checks.contract import Basis
from engine.data.checks.questions import questions_of
from engine.data.checks.shared_grams import Overlaps, shared_grams
from store.records.findings import CheckName, Finding, Group, Severity

CHECK: CheckName = "leakage"
WHOLE = 0.9
"""A held-out row of which one train row holds so much, and little else, is as good as leaked:"""
ALIKE = 0.8
"""the Jaccard similarity of their words is at least this."""
PART = 0.6
"""From this share on it is worth a look, if runs have"""
LONG_RUN = 8
"""so many words, or else the Jaccard similarity is at least"""
PART_ALIKE = 0.6
COSINE = 0.95
CHUNK = 1024
MOST_PER_ROW = 20


def check(basis: Basis) -> Iterator[Finding]:
    """Up to four findings; none for a version with only one split."""
    train = [row for row, split in enumerate(basis.splits) if split == "train"]
    heldout = [row for row, split in enumerate(basis.splits) if split != "train"]
    if not train or not heldout:
        return
    exact = _same_question(basis, train, heldout)
    if exact:
        yield _finding(
            basis,
            "leakage",
            "block",
            exact,
            {},
            "also stand in the held-out split",
            "The question is the same.",
        )
    left = [row for row in heldout if row not in exact]
    overlaps = shared_grams(basis.asked, train, left)
    yield from _by_grams(basis, overlaps)
    if basis.embed is not None:
        yield from _by_meaning(basis, train, [row for row in left if row not in overlaps.holders])


def _same_question(basis: Basis, train: Sequence[int], heldout: Sequence[int]) -> dict[int, list[int]]:
    """Held-out rows, each with the train rows that ask the same."""
    of = questions_of(basis.asked).of
    asked: dict[tuple[str, int], list[int]] = defaultdict(list)
    for row in train:
        asked[basis.contexts[row], of[row]].append(row)
    found = ((row, asked.get((basis.contexts[row], of[row]), [])) for row in heldout)
    return {row: rows for row, rows in found if rows}


def _by_grams(basis: Basis, overlaps: Overlaps) -> Iterator[Finding]:
    whole: dict[int, dict[int, float]] = defaultdict(dict)
    part: dict[int, dict[int, float]] = defaultdict(dict)
    for row, holders in overlaps.holders.items():
        for other, share in holders.items():
            if share >= WHOLE and likeness(basis.asked[row], basis.asked[other]) >= ALIKE:
                whole[row][other] = share
            elif share >= PART and _gives_away(basis, row, other, overlaps.n):
                part[row][other] = share
    for name, pairs in (("leakage/ngram", whole), ("leakage/ngram_part", part)):
        if pairs:
            yield _finding(
                basis,
                name,
                "block" if pairs is whole else "warn",
                {row: list(holders) for row, holders in pairs.items()},
                {row: max(holders.values()) for row, holders in pairs.items()},
                "are nearly a held-out row" if pairs is whole else "hold much of a held-out row",
                f"Share of the held-out row's runs of {overlaps.n} words that stand in one train row.",
                {"n": overlaps.n, "least": WHOLE if pairs is whole else PART},
            )


def _gives_away(basis: Basis, row: int, other: int, n: int) -> bool:
    """Whether much of a question's wording tells its answer: long runs do; a few words in a row do where both
    texts are alike as a whole. A short answer that differs is not given away.
    """
    answers = basis.answers[row], basis.answers[other]
    short = max(len(answer.split()) for answer in answers) < SHORT_WORDS
    if short and not say_the_same(*answers):
        return False
    return n >= LONG_RUN or likeness(basis.asked[row], basis.asked[other]) >= PART_ALIKE


def _by_meaning(basis: Basis, train: Sequence[int], heldout: Sequence[int]) -> Iterator[Finding]:
    import numpy as np

    from engine.data.checks.vectors import vectors_of

    if not heldout:
        return
    vectors, of = vectors_of(basis)
    known = vectors[of[np.array(train)]]
    pairs: dict[int, list[int]] = {}
    scores: dict[int, float] = {}
    for begin in range(0, len(heldout), CHUNK):
        basis.progress(begin, len(heldout))
        some = heldout[begin : begin + CHUNK]
        cosines = vectors[of[np.array(some)]] @ known.T
        for row, values in zip(some, cosines, strict=True):
            alike = [train[at] for at in np.flatnonzero(values >= COSINE).tolist()]
            near = [one for one in alike if basis.contexts[one] == basis.contexts[row]]
            if near:
                pairs[row], scores[row] = near[:MOST_PER_ROW], round(float(values.max()), 3)
    if pairs:
        yield _finding(
            basis,
            "leakage/embedding",
            "warn",
            pairs,
            scores,
            "mean the same as a held-out row",
            "The cosine of the questions' vectors is very high.",
            {"cosine": COSINE},
        )


def _finding(
    basis: Basis,
    name: str,
    severity: Severity,
    pairs: Mapping[int, Sequence[int]],
    scores: Mapping[int, float],
    what: str,
    detail: str,
    figures: dict[str, object] | None = None,
) -> Finding:
    train = {row for rows in pairs.values() for row in rows}
    return Finding(
        id=name,
        check=CHECK,
        severity=severity,
        title=f"{len(train)} train rows {what}",
        count=len(train),
        rows=basis.refs(train),
        remedy=f"temper data fix {basis.info.name} --drop-leaks",
        detail=f"{detail} {len(pairs)} held-out rows are concerned; the train rows go.",
        groups=[
            Group(
                [basis.rows[row], *(basis.rows[other] for other in others)],
                f"held-out line {basis.lines[row]}, train "
                + ", ".join(str(basis.lines[other]) for other in others[:8]),
                round(scores[row], 3) if row in scores else None,
            )
            for row, others in pairs.items()
        ],
        figures={"heldout_rows": len(pairs), "train_rows": len(train), **(figures or {})},
    )
