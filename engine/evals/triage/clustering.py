"""Failures that are one problem become one group, so that one decision labels many.

Within a rule's failures: those of form group by what is wrong with it, answers out of a closed set by what
was expected and what came, everything else by its wording: pieces of words, so that forms of a word and
compounds of other languages count as near, and the vectors of an embedder where one is given. Groups are
joined while they are near on average. The heaviest failures lead. Deterministic. Knows nothing of categories'
meaning and of labels. How well it groups: decision 0028.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.evals.triage.guessing import CLOSED_LETTERS, normal
from store.records.triage import Failure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = Mapping[str, NDArray[np.float32]]

Embed = Callable[[Sequence[str]], "NDArray[np.float32] | None"]
"""Texts to vectors of length 1, a row each; None where that cannot be done now."""

NEAR, NEAR_EMBEDDED = 0.1, 0.2
"""The mean cosine from which two groups are one: of wording alone, and with an embedder's beside it."""
EMBEDDED = 0.3
"""What an embedder's cosine counts; most are trained on English and find all else alike."""
WORD = re.compile(r"\w+")
COMMON, SEVERAL = 0.4, 10
"""What stands in more than this share of several texts, such as an instruction, tells none of them apart."""
MOST = 500
"""More texts than this are not embedded: the front end waits for it."""
AT_ONCE = 1_000
LINKED = 3_000
"""So many texts, the heaviest, are compared each with each; the rest join one of their groups or none."""


def cluster(failures: Sequence[Failure], embed: Embed | None = None) -> list[list[Failure]]:
    """Groups of failures, each with its leader first. `embed` is called once, for SEVERAL to MOST texts."""
    buckets: dict[tuple[str, ...], list[Failure]] = defaultdict(list)
    for failure in failures:
        buckets[bucket_of(failure)].append(failure)
    worded = [members for key, members in buckets.items() if len(key) == 2]
    vectors = embedded({text_of(one) for members in worded for one in members}, embed)
    groups = []
    for key, members in buckets.items():
        members.sort(key=lambda one: (-one.weight, one.target))
        groups += [members] if len(key) > 2 else by_words(members, vectors)
    return groups


def embedded(texts: set[str], embed: Embed | None) -> Vectors | None:
    """The vector of each text; None without an embedder, and where there are too few texts or too many."""
    known = sorted(texts)
    rows = embed(known) if embed is not None and SEVERAL <= len(known) <= MOST else None
    return None if rows is None else dict(zip(known, rows, strict=True))


def text_of(failure: Failure) -> str:
    """What a failure is compared by."""
    return " ".join((failure.comment or failure.input, failure.expected))


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


def by_words(members: Sequence[Failure], vectors: Vectors | None = None) -> list[list[Failure]]:
    """Groups by likeness of wording, in the order of `members`."""
    texts = [text_of(one) for one in members]
    known = list(dict.fromkeys(texts))
    labels = dict(zip(known, groups_of(known, vectors), strict=True))
    groups: dict[int, list[Failure]] = {}
    for member, text in zip(members, texts, strict=True):
        groups.setdefault(labels[text], []).append(member)
    return list(groups.values())


def groups_of(texts: Sequence[str], embedded: Vectors | None = None) -> list[int]:
    """A group's number for each of different texts.

    Average linkage (R. R. Sokal and C. D. Michener, A statistical method for evaluating systematic
    relationships, 1958): a chain of neighbours does not draw unlike ends together, as single linkage would.
    """
    import numpy as np
    from scipy.cluster.hierarchy import fcluster, linkage

    vectors = vectors_of(texts)
    if vectors is None or len(texts) < 2:
        return [0] * len(texts)
    first = min(LINKED, len(texts))
    likeness, near = (vectors[:first] @ vectors[:first].T).toarray(), NEAR
    if embedded is not None:
        rows = np.array([embedded[text] for text in texts[:first]])
        likeness, near = (1 - EMBEDDED) * likeness + EMBEDDED * (rows @ rows.T), NEAR_EMBEDDED
    above = likeness[~_lower(first)]
    found = list(map(int, fcluster(linkage(1 - above, "average"), 1 - near, "distance")))
    return found + _rest(vectors[first:], vectors[:first], found)


def _rest(rest: Any, known: Any, labels: list[int]) -> list[int]:
    """Each of the rest to the group whose mean is nearest, or to one of its own."""
    import numpy as np
    from scipy.sparse import csr_matrix

    if not rest.shape[0]:
        return []
    numbers, inverse = np.unique(labels, return_inverse=True)
    member = csr_matrix((np.ones(len(labels)), (inverse, np.arange(len(labels)))))
    means = csr_matrix(member.multiply(1 / member.sum(axis=1))) @ known
    found: list[int] = []
    for start in range(0, rest.shape[0], AT_ONCE):
        near = (rest[start : start + AT_ONCE] @ means.T).toarray()
        best = near.argmax(axis=1)
        for row, (at, value) in enumerate(zip(best, near.max(axis=1), strict=True), start):
            found.append(int(numbers[at]) if value >= NEAR else -1 - row)
    return found


def _lower(size: int) -> NDArray[np.bool_]:
    """Where a square matrix repeats what stands above its diagonal."""
    import numpy as np

    return np.tri(size, dtype=bool)


def vectors_of(texts: Sequence[str]) -> Any:
    """TF-IDF of pieces of three to five letters of words, sparse rows of length 1; None without a word."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = [" ".join(WORD.findall(text.casefold())) for text in texts]
    most = COMMON if len(texts) >= SEVERAL else 1.0
    vectorizer = TfidfVectorizer(sublinear_tf=True, analyzer="char_wb", ngram_range=(3, 5), max_df=most)
    try:
        return vectorizer.fit_transform(words)
    except ValueError:  # an empty vocabulary
        return None
