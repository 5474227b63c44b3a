"""Texts as sets of words, so that many texts can be compared at once.

Case, punctuation and English contractions apart, and a rare word that is one slip of the finger away from a
common one counts as that one. Scripts written without spaces give pairs of characters instead of words.
Knows nothing of rows, nor of how alike is alike enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from scipy.sparse import csr_matrix

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+(?:[.,]\d+)*(?:['\u2019][^\W\d_]+)?")
_UNSPACED_RUN = re.compile(rf"[{_UNSPACED}]")
_WHOLE = {"won't": "will not", "can't": "can not", "cannot": "can not", "shan't": "shall not"}
_ENDINGS = {"n't": "not", "'m": "am", "'re": "are", "'s": "is", "'ll": "will", "'ve": "have", "'d": "would"}
_BARE = re.compile(r"(?:do|does|did|is|was|have|has|had|could|would|should|are|were)nt")
_BARE_WHOLE = {"cant": "can not", "wont": "will not", "im": "i am", "ive": "i have", "whats": "what is"}
NEGATIONS = frozenset(
    [
        "not",
        "no",
        "never",
        "without",
        "none",
        "nothing",
        "nicht",
        "kein",
        "keine",
        "keinen",
        "nie",
        "ohne",
        "pas",
        "ne",
        "jamais",
        "sans",
        "nunca",
        "sin",
        "nao",
        "não",
        "non",
        "senza",
        "mai",
        "не",
        "нет",
        "без",
    ]
)
"""Words that turn a sentence into its opposite, in the languages whose spelling is plain."""
TYPO_MOST = 5
"""A misspelling is taken for one in at most so many texts, and"""
TYPO_RATIO = 10
"""where the word that was meant stands in so many times more."""
TYPO_LETTERS = 4


def words_of(text: str) -> list[str]:
    """The words of a text, in order: folded, contractions spelt out, numbers whole."""
    found: list[str] = []
    for word in _WORD.findall(text.casefold()):
        if _UNSPACED_RUN.match(word):
            found.extend(word[at : at + 2] for at in range(max(len(word) - 1, 1)))
        elif word.isalnum():
            found.extend(_BARE_WHOLE[word].split() if word in _BARE_WHOLE else _bare(word))
        else:
            found.extend(_spelt_out(word.replace("\u2019", "'")))
    return found


def _bare(word: str) -> list[str]:
    if word == "cannot":
        return ["can", "not"]
    return [word[:-2], "not"] if word.endswith("nt") and _BARE.fullmatch(word) else [word]


def _spelt_out(word: str) -> list[str]:
    if word in _WHOLE:
        return _WHOLE[word].split()
    for ending, meant in _ENDINGS.items():
        if word.endswith(ending):
            return [word[: -len(ending)], meant]
    return [word.replace(",", "")]


class WordTable(msgspec.Struct):
    """Texts [n] as words. `bags` is a binary matrix [n, words]; `order` holds the word ids of all texts one
    after the other, text i from `starts[i]` to `starts[i + 1]`; `counts` [words] says in how many texts."""

    vocabulary: list[str]
    bags: csr_matrix
    order: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]

    def columns(self, words: Sequence[int] | npt.NDArray[np.bool_]) -> csr_matrix:
        """`bags` with some words only."""
        return self.bags[:, words]


def table_of(texts: Sequence[str]) -> WordTable:
    """The words of texts [n], misspellings put right where they are plain."""
    import numpy as np

    ids: dict[str, int] = {}
    flat: list[int] = []
    starts = np.zeros(len(texts) + 1, dtype=np.int64)
    for at, text in enumerate(texts):
        flat.extend([ids.setdefault(word, len(ids)) for word in words_of(text)])
        starts[at + 1] = len(flat)
    vocabulary = list(ids)
    order = np.array(flat, dtype=np.int64)
    bags = bags_of(order, starts, len(vocabulary))
    counts = np.bincount(bags.indices, minlength=len(vocabulary))
    meant = _meant(vocabulary, counts.tolist())
    if meant:
        mapping = np.arange(len(vocabulary))
        mapping[list(meant)] = list(meant.values())
        order = mapping[order]
        bags = bags_of(order, starts, len(vocabulary))
        counts = np.bincount(bags.indices, minlength=len(vocabulary))
    return WordTable(vocabulary, bags, order, starts, counts)


def bags_of(order: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], width: int) -> csr_matrix:
    """Which of `width` things stand in each text, as a binary matrix."""
    import numpy as np
    from scipy.sparse import csr_matrix

    texts = len(starts) - 1
    rows = np.repeat(np.arange(texts), np.diff(starts))
    keys = np.unique(rows * max(width, 1) + order)
    rows, columns = np.divmod(keys, max(width, 1))
    begins = np.searchsorted(rows, np.arange(texts + 1))
    ones = np.ones(len(columns), dtype=np.int32)
    return csr_matrix((ones, columns.astype(np.int32), begins), shape=(texts, width))


def _meant(vocabulary: Sequence[str], counts: Sequence[int]) -> dict[int, int]:
    """Rare words that are plain misspellings, each with the common word it stands for.

    Found through what is left of both when a letter is taken out (symmetric deletion, Garbe's SymSpell).
    """
    common: dict[str, list[int]] = {}
    for at, word in enumerate(vocabulary):
        if counts[at] >= TYPO_RATIO and _can_be_mistyped(word):
            for left in _deletions(word):
                common.setdefault(left, []).append(at)
    meant: dict[int, int] = {}
    for at, word in enumerate(vocabulary):
        if counts[at] > TYPO_MOST or not _can_be_mistyped(word):
            continue
        near = {one for left in _deletions(word) for one in common.get(left, ())}
        near = {
            one for one in near if counts[one] >= TYPO_RATIO * counts[at] and one_slip(word, vocabulary[one])
        }
        if near:
            meant[at] = max(near, key=lambda one: (counts[one], vocabulary[one]))
    return meant


def _can_be_mistyped(word: str) -> bool:
    return TYPO_LETTERS <= len(word) <= 24 and word.isalpha()


def _deletions(word: str) -> Iterator[str]:
    yield word
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


def one_slip(a: str, b: str) -> bool:
    """Whether a and b differ by a letter too many, a wrong one (in longer words) or two swapped."""
    if a == b:
        return False
    short, long = sorted((a, b), key=len)
    at = next((at for at, (x, y) in enumerate(zip(short, long, strict=False)) if x != y), len(short))
    if len(long) - len(short) == 1:
        return short[at:] == long[at + 1 :]
    if len(long) != len(short):
        return False
    swapped = a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :]
    return swapped or (len(a) > TYPO_LETTERS and a[at + 1 :] == b[at + 1 :])
