"""Words in common: EM and F1 as in SQuAD, F1 of sets, ROUGE-L as in rouge-score.

SQuAD: the official evaluation of version 2.0 (Rajpurkar et al. 2018), which is that of 1.1 and knows
questions without an answer. ROUGE-L: Lin 2004 as computed by the package rouge-score without stemming.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import msgspec

from engine.data.importers import strict_json
from engine.evals.checks.contract import Bench, Judge, Kind, Reply, Verdict, wanted

_ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
_PUNCTUATION = frozenset(string.punctuation)
_NOT_ROUGE = re.compile(r"[^a-z0-9]+")


class OverlapOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`value` stands in for the expected answer."""

    value: str | None = None


class SetOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`separator` parts items where the text is no JSON list; else lines, commas and semicolons do."""

    value: str | None = None
    separator: str = ""
    ignore_case: bool = True


def squad_normalise(text: str) -> str:
    """Lower case, without punctuation and articles, single spaces."""
    bare = "".join(letter for letter in text.lower() if letter not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def squad_exact(answer: str, gold: Sequence[str]) -> float:
    """1 where the answer is one of `gold` when normalised. No gold answer means: there is none to give."""
    return max(float(squad_normalise(one) == squad_normalise(answer)) for one in _answerable(gold))


def squad_f1(answer: str, gold: Sequence[str]) -> float:
    """The best F1 of words between the answer and one of `gold`; without any word on a side, equality."""
    words = squad_normalise(answer).split()
    return max(_word_f1(words, squad_normalise(one).split()) for one in _answerable(gold))


def _answerable(gold: Sequence[str]) -> list[str]:
    return [one for one in gold if squad_normalise(one)] or [""]


def _word_f1(words: list[str], right: list[str]) -> float:
    if not words or not right:
        return float(words == right)
    common = sum((Counter(words) & Counter(right)).values())
    return f1(common / len(words), common / len(right))


def f1(precision: float, recall: float) -> float:
    """The harmonic mean; 0 where both are."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def rouge_tokens(text: str) -> list[str]:
    """Runs of a-z and 0-9 of the text in lower case."""
    return [word for word in _NOT_ROUGE.split(text.lower()) if word]


def rouge_l(answer: str, right: str) -> float:
    """F1 of the longest common subsequence of tokens; 0 where a side has none."""
    one, other = rouge_tokens(answer), rouge_tokens(right)
    if not one or not other:
        return 0.0
    common = longest_common(one, other)
    return f1(common / len(one), common / len(other))


def longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence, in time of the product of both lengths."""
    before = [0] * (len(other) + 1)
    for word in one:
        row = [0]
        for at, against in enumerate(other):
            row.append(before[at] + 1 if word == against else max(before[at + 1], row[at]))
        before = row
    return before[-1]


def set_f1(found: Iterable[Hashable], right: Iterable[Hashable]) -> float:
    """F1 of two sets; 1 where both are empty."""
    one, other = set(found), set(right)
    if not one or not other:
        return float(one == other)
    common = len(one & other)
    return f1(common / len(one), common / len(other))


def items_of(text: str, options: SetOptions) -> set[str]:
    """The items that a text lists: those of a JSON list, else its parts without list marks."""
    try:
        parsed = strict_json.decode(text)
    except ValueError:
        parsed = None
    if isinstance(parsed, list):
        parts = [one if isinstance(one, str) else msgspec.json.encode(one).decode() for one in parsed]
    else:
        parts = text.split(options.separator) if options.separator else re.split(r"[,;\n]", text)
        parts = [re.sub(r"^\s*(?:[-*•]|\d+[.)])\s+", "", part) for part in parts]
    found = {" ".join(part.split()) for part in parts}
    return {one.casefold() if options.ignore_case else one for one in found if one}


def _em(options: OverlapOptions, bench: Bench) -> Judge:
    def judge(reply: Reply) -> Verdict:
        gold = wanted(options.value, reply)
        score = squad_exact(reply.text, gold)
        return Verdict(score, "" if score else f"expected {' or '.join(map(repr, gold))}")

    return judge


def _f1(options: OverlapOptions, bench: Bench) -> Judge:
    def judge(reply: Reply) -> Verdict:
        return _scored(squad_f1(reply.text, wanted(options.value, reply)), "F1")

    return judge


def _rouge(options: OverlapOptions, bench: Bench) -> Judge:
    def judge(reply: Reply) -> Verdict:
        return _scored(max(rouge_l(reply.text, one) for one in wanted(options.value, reply)), "ROUGE-L")

    return judge


def _sets(options: SetOptions, bench: Bench) -> Judge:
    def judge(reply: Reply) -> Verdict:
        found = items_of(reply.text, options)
        scores = [set_f1(found, items_of(one, options)) for one in wanted(options.value, reply)]
        return _scored(max(scores), "F1")

    return judge


def _scored(score: float, name: str) -> Verdict:
    return Verdict(score, "" if score == 1 else f"{name} {score:.3f}")


KINDS = (
    Kind("squad_em", "equal to an answer, as in SQuAD", OverlapOptions, _em, expects="expected"),
    Kind("squad_f1", "words in common, as in SQuAD", OverlapOptions, _f1, threshold=0.5, expects="expected"),
    Kind("set_f1", "items of a list in common", SetOptions, _sets, expects="expected"),
    Kind("rouge_l", "ROUGE-L, as in rouge-score", OverlapOptions, _rouge, threshold=0.3, expects="expected"),
)
