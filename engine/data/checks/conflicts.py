"""Label conflicts: the same or nearly the same input, and another answer. Who disagrees with whom, and when.

Answers that are classes or JSON conflict where they differ; long prose only where it has little in common.
Metadata says who answered (annotator), under which version of the guidelines, and when (time).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from engine.data.checks.agreement import figures_of
from engine.data.checks.answers import SHORT_WORDS, canonical, canonicals_of, classes_of, likeness
from engine.data.checks.contract import Basis, normal
from engine.data.checks.json_answers import looks_like_json
from engine.data.checks.questions import questions_of
from engine.data.checks.similarity import added_little, near_pairs
from engine.data.checks.vectors import cosines
from engine.data.checks.words import table_of
from engine.data.moments import in_order
from store.records.findings import Finding, Group

NEAR = 0.8
"""Least Jaccard similarity of nearly the same inputs, whose answers ought to be the same, and"""
NEAR_RARE = 0.85
"""the least where rare words weigh more: a word more may be the one that makes another class."""
NEAR_COSINE = 0.9
UNLIKE = 0.3
"""Long answers to the very same input differ clearly below this Jaccard similarity."""


class Answered(msgspec.Struct):
    """The answers of a version, ready for comparison: the class or whole of each, and its key."""

    shown: list[str]
    keys: list[str]
    classes: bool


def check(basis: Basis) -> Iterator[Finding]:
    """Up to three findings: the same input, nearly the same input, and prose that differs."""
    if basis.info.kind not in ("chat", "completion"):
        return
    answered = answered_of(basis)
    inputs: dict[tuple[int, str], list[int]] = defaultdict(list)
    for row, asked in enumerate(questions_of(basis.asked).of):
        inputs[asked, basis.contexts[row]].append(row)
    exact: list[list[int]] = []
    prose: list[list[int]] = []
    for rows in inputs.values():
        if len({answered.keys[row] for row in rows}) > 1:
            (exact if answered.classes or _all_short(basis, rows) else prose).append(rows)
    if exact:
        yield _same_input(basis, answered, exact, inputs.values())
    if prose := [rows for rows in prose if _clearly_different(basis, rows)]:
        yield _differing_prose(basis, prose)
    if answered.classes and (near := _near(basis, answered, inputs)):
        yield _near_input(basis, answered, near)


def answered_of(basis: Basis) -> Answered:
    """What each row answers, as a class where answers are classes."""
    classes = classes_of(basis.answers)
    if classes is not None and classes.field == "":
        return Answered([one or "" for one in classes.of], [canonical(one or "") for one in classes.of], True)
    if classes is not None:
        shown = [
            one if one is not None else answer for one, answer in zip(classes.of, basis.answers, strict=True)
        ]
        return Answered(shown, [normal(one) for one in shown], True)
    keys = canonicals_of(basis.answers)
    as_json = sum(map(looks_like_json, basis.answers)) * 2 > len(keys)
    return Answered(basis.answers, keys, as_json)


def _all_short(basis: Basis, rows: Sequence[int]) -> bool:
    return all(len(basis.answers[row].split()) < SHORT_WORDS for row in rows)


def _clearly_different(basis: Basis, rows: Sequence[int]) -> bool:
    answers = list(dict.fromkeys(basis.answers[row] for row in rows))[:8]
    return any(likeness(one, other) < UNLIKE for at, one in enumerate(answers) for other in answers[at + 1 :])


def _near(
    basis: Basis, answered: Answered, inputs: dict[tuple[int, str], list[int]]
) -> list[tuple[float, list[int]]]:
    """Pairs of rows with nearly the same input and another class, the most alike first; one row per input."""
    contexts: dict[int, list[list[int]]] = defaultdict(list)
    for (asked, _), rows in inputs.items():
        contexts[asked].append(rows)
    texts = questions_of(basis.asked).texts
    pairs = near_pairs(texts)
    pairs = pairs.where(pairs.score >= NEAR)
    pairs = pairs.where(added_little(table_of(texts), pairs) >= NEAR_RARE)
    if basis.embed is not None:
        pairs = pairs.where(cosines(basis.embed, texts, pairs.a, pairs.b) >= NEAR_COSINE)
    found = []
    for a, b, score in zip(pairs.a.tolist(), pairs.b.tolist(), pairs.score.tolist(), strict=True):
        for one in contexts[a]:
            for other in contexts[b]:
                apart = {answered.keys[row] for row in one}.isdisjoint(answered.keys[row] for row in other)
                if apart and basis.contexts[one[0]] == basis.contexts[other[0]]:
                    found.append((score, [one[0], other[0]]))
    return sorted(found, key=lambda pair: (-pair[0], pair[1]))


def _same_input(
    basis: Basis, answered: Answered, groups: Sequence[list[int]], inputs: Iterable[Sequence[int]]
) -> Finding:
    rows = sorted(row for group in groups for row in group)
    ratings = [_by_annotator(basis, answered, group) for group in inputs if len(group) > 1]
    return Finding(
        id="label_conflict",
        check="label_conflict",
        severity="warn",
        title=f"{len(groups)} inputs have more than one answer",
        count=len(rows),
        rows=basis.refs(rows),
        remedy=f"temper data fix {basis.info.name} --resolve-conflicts majority",
        detail="The input is the same, case and white space apart, and the answers differ.",
        groups=[_group(basis, answered, group) for group in groups],
        notes={basis.rows[row]: _who(basis, row, answered.shown[row]) for row in rows},
        figures={"inputs": len(groups), **confused(answered, groups), **figures_of(ratings)},
    )


def _near_input(basis: Basis, answered: Answered, pairs: Sequence[tuple[float, list[int]]]) -> Finding:
    rows = sorted({row for _, pair in pairs for row in pair})
    return Finding(
        id="label_conflict/near",
        check="label_conflict",
        severity="warn",
        title=f"{len(pairs)} pairs of nearly the same input have different answers",
        count=len(rows),
        rows=basis.refs(rows),
        remedy=f"temper data fix {basis.info.name} --resolve-conflicts labels",
        detail="One has hardly a word more than the other. Decide which answer is right for both.",
        groups=[_group(basis, answered, pair, round(score, 3)) for score, pair in pairs],
        notes={basis.rows[row]: _who(basis, row, answered.shown[row]) for row in rows},
        figures={"pairs": len(pairs), **confused(answered, [pair for _, pair in pairs])},
    )


def _differing_prose(basis: Basis, groups: Sequence[list[int]]) -> Finding:
    rows = sorted(row for group in groups for row in group)
    return Finding(
        id="label_conflict/prose",
        check="label_conflict",
        severity="info",
        title=f"{len(groups)} questions are answered in clearly different ways",
        count=len(rows),
        rows=basis.refs(rows),
        remedy=f"temper data fix {basis.info.name} --resolve-conflicts labels",
        detail="The question is the very same, its answers have few words in common. That may be intended.",
        groups=[Group([basis.rows[row] for row in group], f"{len(group)} answers") for group in groups],
        notes={basis.rows[row]: _who(basis, row) for row in rows if _who(basis, row)},
        figures={"inputs": len(groups)},
    )


def confused(answered: Answered, groups: Iterable[Sequence[int]], most: int = 20) -> dict[str, object]:
    """Which classes stand against each other most often."""
    counts: Counter[tuple[str, str]] = Counter()
    for group in groups:
        names = sorted({answered.shown[row] for row in group})
        counts.update((a, b) for at, a in enumerate(names) for b in names[at + 1 :])
    return {"confused": [{"a": a, "b": b, "count": count} for (a, b), count in counts.most_common(most)]}


def _group(basis: Basis, answered: Answered, rows: Sequence[int], score: float | None = None) -> Group:
    counts = Counter(answered.shown[row] for row in rows)
    note = ", ".join(f"{_short(name)} ({count})" for name, count in counts.most_common(5))
    return Group([basis.rows[row] for row in rows], note, score)


def _by_annotator(basis: Basis, answered: Answered, rows: Sequence[int]) -> dict[str, str]:
    """What each annotator answered; the last time where one answered more than once."""
    times = [basis.metadata[row].get("time", "") for row in rows]
    ordered = [rows[at] for at in in_order(times)] if all(times) else list(rows)
    return {
        name: answered.shown[row]
        for row in ordered
        if (name := basis.metadata[row].get("annotator", "").strip())
    }


def _who(basis: Basis, row: int, answer: str = "") -> str:
    """`card_arrival by anna (v2) at 2026-01-02`, as far as it is known."""
    said = basis.metadata[row]
    parts = [_short(answer)] if answer else []
    parts += [f"by {said['annotator']}"] if said.get("annotator") else []
    parts += [f"({said['version']})"] if said.get("version") else []
    parts += [f"at {said['time']}"] if said.get("time") else []
    return " ".join(parts)


def _short(text: str, most: int = 60) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
