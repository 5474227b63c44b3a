"""Failures that are one problem become one group, so that one decision labels many.

Within a rule's failures: those of form group by what is wrong with it, answers out of a closed set by what
was expected and what came, everything else by its wording: pieces of words, so that forms of a word and
compounds of other languages count as near, and the vectors of an embedder where one is given. Groups are
joined while they are near on average. The heaviest failures lead. Deterministic. Knows nothing of categories'
meaning and of labels. How well it groups: decision 0028.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.evals.triage.texts import CLOSED_LETTERS, normal
from store.records.triage import Failure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Embed = Callable[[Sequence[str]], "NDArray[np.float32] | None"]
"""Texts to vectors of length 1, a row each; None where that cannot be done now."""

NEAR, NEAR_EMBEDDED = 0.1, 0.2
"""The mean cosine from which two groups are one: of wording alone, and with an embedder's beside it."""
EMBEDDED = 0.3
"""What an embedder's cosine counts; most are trained on English and find all else alike."""
WORD = re.compile(r"\w+")
COMMON, SEVERAL, LEFT = 0.9, 10, 3
"""Words that begin or end this share of several texts are an instruction, if so many are left on average."""
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
    space = space_of([text_of(one) for members in worded for one in members], embed)
    groups = []
    for key, members in buckets.items():
        members.sort(key=lambda one: (-one.weight, one.target))
        groups += [members] if len(key) > 2 else by_words(members, space)
    return groups


class Space(NamedTuple):
    """Where texts lie: the row of each, in what they are worded like and in what an embedder makes of them.

    Words are weighed among all texts: what each of a problem's complaints says is still rare among others.
    """

    place: dict[str, int]
    wording: Any
    meaning: NDArray[np.float32] | None


def space_of(texts: Iterable[str], embed: Embed | None = None) -> Space | None:
    """The space of different texts; None where none has a word. Few texts, or very many, are not embedded."""
    known = sorted(set(texts))
    wording = wording_of(known)
    if wording is None:
        return None
    meaning = embed(known) if embed is not None and SEVERAL <= len(known) <= MOST else None
    return Space({text: row for row, text in enumerate(known)}, wording, meaning)


def text_of(failure: Failure) -> str:
    """What a failure is compared by."""
    return " ".join((failure.comment or failure.input, failure.expected))


def bucket_of(failure: Failure) -> tuple[str, ...]:
    """What must be equal within a group: category and rule; of form also what is wrong with it, of short
    answers what was expected and what was given.
    """
    key = (failure.guess.category, failure.guess.rule)
    if failure.guess.category == "format":
        return (*key, normal(failure.guess.evidence))
    expected, output = normal(failure.expected), normal(failure.output)
    if expected and output and max(len(expected), len(output)) <= CLOSED_LETTERS:
        return (*key, expected, output)
    return key


def by_words(members: Sequence[Failure], space: Space | None) -> list[list[Failure]]:
    """Groups by likeness of wording, in the order of `members`."""
    texts = [text_of(one) for one in members]
    known = list(dict.fromkeys(texts))
    labels = dict(zip(known, groups_of(known, space), strict=True))
    groups: dict[int, list[Failure]] = {}
    for member, text in zip(members, texts, strict=True):
        groups.setdefault(labels[text], []).append(member)
    return list(groups.values())


def groups_of(texts: Sequence[str], space: Space | None) -> list[int]:
    """A group's number for each of different texts, which lie in `space`.

    Average linkage (R. R. Sokal and C. D. Michener, A statistical method for evaluating systematic
    relationships, 1958): a chain of neighbours does not draw unlike ends together, as single linkage would.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    if space is None or len(texts) < 2:
        return [0] * len(texts)
    places = [space.place[text] for text in texts]
    vectors, first = space.wording[places], min(LINKED, len(texts))
    likeness, near = (vectors[:first] @ vectors[:first].T).toarray(), NEAR
    if space.meaning is not None:
        rows = space.meaning[places[:first]]
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


def wording_of(texts: Sequence[str]) -> Any:
    """TF-IDF of pieces of three to five letters of words, sparse rows of length 1; None without a word."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = without_instruction([WORD.findall(text.casefold()) for text in texts])
    vectorizer = TfidfVectorizer(sublinear_tf=True, analyzer="char_wb", ngram_range=(3, 5))
    try:
        return vectorizer.fit_transform(map(" ".join, words))
    except ValueError:  # an empty vocabulary
        return None


def without_instruction(texts: list[list[str]]) -> list[list[str]]:
    """Words of texts without those that nearly all begin or end with: an instruction tells none apart.

    Where little is left, the common words are no instruction but what the texts are about.
    """
    if len(texts) < SEVERAL:
        return texts
    cut = texts
    for backwards in (False, True):
        step = -1 if backwards else 1
        common = common_beginning([words[::step] for words in cut])
        cut = [
            words[::step][len(common) :][::step] if words[::step][: len(common)] == common else words
            for words in cut
        ]
    return cut if fmean(map(len, cut)) >= LEFT else texts


def common_beginning(texts: Sequence[Sequence[str]]) -> list[str]:
    """The longest row of words that COMMON of the texts begin with."""
    found: list[str] = []
    left = texts
    while left:
        counts = Counter(words[len(found)] for words in left if len(words) > len(found))
        word, count = counts.most_common(1)[0] if counts else ("", 0)
        if count < COMMON * len(texts):
            break
        left = [words for words in left if len(words) > len(found) and words[len(found)] == word]
        found.append(word)
    return found
