"""ROUGE as the package rouge-score 0.1.2 computes it (Lin 2004): n-grams, longest common subsequences.

    rouge_1, rouge_2   words, pairs of words
    rouge_l            the longest common subsequence of the whole texts
    rouge_lsum         of the lines of a summary, joined; the figure that papers on summaries call ROUGE-L

Tokens are runs of a-z and 0-9 in lower case: a text in another script has none, and scores 0. `stem` is that
package's use_stemmer: NLTK's Porter stemmer on words of more than three letters.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from engine.evals.checks.contract import Bench, Judge, Kind, Reply, Verdict, scored, wanted
from engine.evals.checks.overlap import f1

Measure = Literal["f1", "precision", "recall"]
Tokens = list[str]
_NOT_A_TOKEN = re.compile(r"[^a-z0-9]+")
STEMMED_FROM = 4
"""Letters from which on a word is stemmed."""


class RougeOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`value` stands in for the expected answer; of several right answers that of the best F1 counts."""

    value: str | None = None
    stem: bool = False
    measure: Measure = "f1"


class Rouge(msgspec.Struct, frozen=True):
    """Shares of the answer's and of the right answer's tokens that both have."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        return f1(self.precision, self.recall)


Score = Callable[[str, str, bool], Rouge]


def tokens(text: str, stem: bool = False) -> Tokens:
    """The tokens of a text, in order."""
    found = [word for word in _NOT_A_TOKEN.split(text.lower()) if word]
    if not stem:
        return found
    from nltk.stem.porter import PorterStemmer

    stemmer = PorterStemmer()
    return [stemmer.stem(word) if len(word) >= STEMMED_FROM else word for word in found]


def rouge_n(answer: str, right: str, n: int, stem: bool = False) -> Rouge:
    """ROUGE-N: n-grams of tokens in common, each as often as both have it."""
    one, other = (_grams(tokens(text, stem), n) for text in (answer, right))
    return _shares((one & other).total(), one.total(), other.total())


def rouge_l(answer: str, right: str, stem: bool = False) -> Rouge:
    """ROUGE-L: the longest common subsequence of tokens."""
    one, other = tokens(answer, stem), tokens(right, stem)
    return _shares(_lengths(other, one)[-1][-1], len(one), len(other))


def rouge_lsum(answer: str, right: str, stem: bool = False) -> Rouge:
    """ROUGE-L of summaries: for each line of the right one, what its longest common subsequences with all the
    answer's lines cover together; a token counts as often as both summaries have it.
    """
    lines, right_lines = ([tokens(line, stem) for line in text.split("\n")] for text in (answer, right))
    left, right_left = (Counter(token for line in one for token in line) for one in (lines, right_lines))
    totals = left.total(), right_left.total()
    hits = 0
    for line in right_lines:
        covered = sorted({place for other in lines for place in _common(line, other)})
        for token in (line[place] for place in covered):
            if left[token] > 0 and right_left[token] > 0:
                left[token] -= 1
                right_left[token] -= 1
                hits += 1
    return _shares(hits, *totals)


def _shares(hits: int, answer: int, right: int) -> Rouge:
    return Rouge(hits / answer if answer else 0.0, hits / right if right else 0.0)


def _grams(words: Tokens, n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[at : at + n]) for at in range(len(words) - n + 1))


def _lengths(right: Sequence[str], answer: Sequence[str]) -> list[list[int]]:
    """Lengths of the longest common subsequences of all beginnings, [right + 1][answer + 1]."""
    table = [[0] * (len(answer) + 1)]
    for word in right:
        above, row = table[-1], [0]
        for at, against in enumerate(answer):
            row.append(above[at] + 1 if word == against else max(above[at + 1], row[at]))
        table.append(row)
    return table


def _common(right: Sequence[str], answer: Sequence[str]) -> list[int]:
    """Places in `right` of one longest common subsequence: of several the one that rouge-score takes, which
    passes over a token of `right` where passing over either would do.
    """
    table = _lengths(right, answer)
    at, other = len(right), len(answer)
    places = []
    while at and other:
        if right[at - 1] == answer[other - 1]:
            at, other = at - 1, other - 1
            places.append(at)
        elif table[at][other - 1] > table[at - 1][other]:
            other -= 1
        else:
            at -= 1
    return places


def _check(name: str, score: Score) -> Callable[[RougeOptions, Bench], Judge]:
    def build(options: RougeOptions, bench: Bench) -> Judge:
        def judge(reply: Reply) -> Verdict:
            found = [score(reply.text, one, options.stem) for one in wanted(options.value, reply)]
            best: Rouge = max(found, key=lambda one: one.f1)
            return scored(getattr(best, options.measure), name)

        return judge

    return build


def _kind(name: str, says: str, score: Score, threshold: float) -> Kind:
    return Kind(
        name,
        says,
        RougeOptions,
        _check(says.partition(",")[0], score),
        threshold=threshold,
        expects="expected",
    )


KINDS = (
    _kind(
        "rouge_1", "ROUGE-1, as in rouge-score", lambda *texts: rouge_n(texts[0], texts[1], 1, texts[2]), 0.3
    ),
    _kind(
        "rouge_2", "ROUGE-2, as in rouge-score", lambda *texts: rouge_n(texts[0], texts[1], 2, texts[2]), 0.1
    ),
    _kind("rouge_l", "ROUGE-L, as in rouge-score", rouge_l, 0.3),
    _kind("rouge_lsum", "ROUGE-Lsum, as in rouge-score", rouge_lsum, 0.3),
)
