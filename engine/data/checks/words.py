"""Texts as sets of words, so that many texts can be compared at once.

Case, punctuation and English contractions apart, and a rare word that is one slip of the finger away from a
common one counts as that one. Scripts written without spaces give pairs of characters instead of words.
Knows nothing of rows, nor of how alike is alike enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from scipy.sparse import csr_matrix

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]+|[^\W_{_UNSPACED}]+(?:[.,]\d+)*(?:['\u2019][^\W\d_]+)?")
_UNSPACED_RUN = re.compile(rf"[{_UNSPACED}]")
_WHOLE = {
    **dict.fromkeys(("can't", "cannot", "cant"), ("can", "not")),
    **dict.fromkeys(("won't", "wont"), ("will", "not")),
    "shan't": ("shall", "not"),
    "im": ("i", "am"),
    "ive": ("i", "have"),
    "whats": ("what", "is"),
}
_ENDINGS = {"n't": "not", "'m": "am", "'re": "are", "'s": "is", "'ll": "will", "'ve": "have", "'d": "would"}
_BARE = re.compile(r"(?:do|does|did|is|was|have|has|had|could|would|should|are|were)nt")
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
    return [word for token in _WORD.findall(text.casefold()) for word in _spelt_out(token)]


@lru_cache(maxsize=1 << 16)
def _spelt_out(token: str) -> tuple[str, ...]:
    """The words that one token stands for: most often itself, so it pays to look it up."""
    if _UNSPACED_RUN.match(token):
        return tuple(token[at : at + 2] for at in range(max(len(token) - 1, 1)))
    token = token.replace("\u2019", "'")
    if token in _WHOLE:
        return _WHOLE[token]
    if token.endswith("nt") and _BARE.fullmatch(token):
        return token[:-2], "not"
    for ending, meant in _ENDINGS.items():
        if token.endswith(ending):
            return token[: -len(ending)], meant
    return (token.replace(",", ""),)


class WordTable(msgspec.Struct):
    """Texts [n] as words. `bags` is a binary matrix [n, words]; `order` holds the word ids of all texts one
    after the other, text i from `starts[i]` to `starts[i + 1]`; `counts` [words] says in how many texts."""

    vocabulary: list[str]
    bags: csr_matrix
    order: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]


class _Numbers(dict[str, tuple[int, ...]]):
    """The numbers of the words in what stands between spaces; new words get the next numbers, in `ids`."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: dict[str, int] = {}

    def __missing__(self, written: str) -> tuple[int, ...]:
        self[written] = tuple(self.ids.setdefault(word, len(self.ids)) for word in words_of(written))
        return self[written]


@lru_cache(maxsize=1)
def table_of(texts: tuple[str, ...]) -> WordTable:
    """The words of texts [n], misspellings put right where they are plain. The latest table is remembered."""
    import numpy as np

    numbers = _Numbers()
    flat: list[int] = []
    starts = np.zeros(len(texts) + 1, dtype=np.int64)
    for at, text in enumerate(texts):
        flat.extend(chain.from_iterable(map(numbers.__getitem__, text.split())))
        starts[at + 1] = len(flat)
    vocabulary = list(numbers.ids)
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
    keys = distinct(rows * max(width, 1) + order)
    rows, columns = np.divmod(keys, max(width, 1))
    begins = np.searchsorted(rows, np.arange(texts + 1))
    ones = np.ones(len(columns), dtype=np.int32)
    return csr_matrix((ones, columns.astype(np.int32), begins), shape=(texts, width))


def distinct(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Each of `keys` once, sorted: for millions 20 times as fast as numpy 2.4's `unique`, which hashes."""
    import numpy as np

    keys = np.sort(keys)
    return keys[np.concatenate([[True], keys[1:] != keys[:-1]])] if len(keys) else keys


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
