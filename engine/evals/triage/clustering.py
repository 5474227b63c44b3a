"""Failures that are one problem become one group, so that one decision labels many.

Within a rule's failures: those of form group by what is wrong with it, answers out of a closed set by what
was expected and what came, everything else by its words (TF-IDF), each to the nearest group if it is near
enough. The heaviest failures lead. Deterministic. Knows nothing of categories' meaning and of labels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.evals.triage.guessing import CLOSED_LETTERS, normal
from store.records.triage import Failure

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

NEAR = 0.3
"""The cosine from which a failure belongs to a group."""


def cluster(failures: Sequence[Failure]) -> list[list[Failure]]:
    """Groups of failures, each with its leader first."""
    buckets: dict[tuple[str, ...], list[Failure]] = defaultdict(list)
    for failure in failures:
        buckets[bucket_of(failure)].append(failure)
    groups = []
    for key, members in buckets.items():
        members.sort(key=lambda one: (-one.weight, one.target))
        groups += [members] if len(key) > 2 else by_words(members)
    return groups


def bucket_of(failure: Failure) -> tuple[str, ...]:
    """What must be equal within a group: category and rule; of form also what is wrong with it, of short
    answers what was expected and what was given.
    """
    key = (failure.guess.category, failure.guess.rule)
    if failure.guess.category == "format":
        return (*key, failure.guess.evidence)
    expected, output = normal(failure.expected), normal(failure.output)
    if expected and output and max(len(expected), len(output)) <= CLOSED_LETTERS:
        return (*key, expected, output)
    return key


def by_words(members: Sequence[Failure]) -> list[list[Failure]]:
    """Groups by likeness, in the order of `members`: each joins the nearest leader, or leads a new group."""
    if len(members) < 2:
        return [list(members)]
    vectors = vectors_of([" ".join((one.comment or one.input, one.expected)) for one in members])
    if vectors is None:
        return [list(members)]
    likeness: Any = vectors @ vectors.T
    leaders: list[int] = []
    groups: list[list[Failure]] = []
    for index, member in enumerate(members):
        row = likeness[[index], :][:, leaders].toarray()[0] if leaders else []
        best = max(range(len(leaders)), key=lambda at: row[at]) if leaders else -1
        if leaders and row[best] >= NEAR:
            groups[best].append(member)
        else:
            leaders.append(index)
            groups.append([member])
    return groups


def vectors_of(texts: Sequence[str]) -> csr_matrix | None:
    """TF-IDF of words, rows of length 1; None where no text has a word."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    try:
        return vectorizer.fit_transform(texts)
    except ValueError:  # an empty vocabulary
        return None
