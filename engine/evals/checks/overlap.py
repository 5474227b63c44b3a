"""Words and items in common: EM and F1 as in SQuAD, F1 of sets.

SQuAD: the official evaluation of version 2.0 (Rajpurkar et al. 2018), or of 1.1 (2016). They differ where
nothing is left of a text: 1.1 passes over no right answer, and for it nothing against nothing is F1 0.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Literal

import msgspec

from engine.data.importers import strict_json
from engine.evals.checks.contract import Bench, Judge, Kind, Reply, Verdict, scored, wanted
from engine.evals.checks.values import json_text

Version = Literal["2.0", "1.1"]
_ARTICLES = re.compile(r"\b(a|an|the)\b", re.UNICODE)
_BRACKETED = re.compile(r"^\s*(?:\[([^\[\]]*)\]|\{([^{}]*)\}|\(([^()]*)\))[\s.]*$")
_MARK = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")
_QUOTED = re.compile(r"^(['\"])(.*)\1$", re.DOTALL)
_PUNCTUATION = frozenset(string.punctuation)


class SquadOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`value` stands in for the expected answer. `version`: of the official evaluation."""

    value: str | None = None
    version: Version = "2.0"


class SetOptions(msgspec.Struct, forbid_unknown_fields=True):
    """`separator` parts items where the text is no JSON list; else lines, commas and semicolons do."""

    value: str | None = None
    separator: str = ""
    ignore_case: bool = True


def squad_normalise(text: str) -> str:
    """Lower case, without ASCII punctuation and articles, single spaces."""
    bare = "".join(letter for letter in text.lower() if letter not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def squad_exact(answer: str, gold: Sequence[str], version: Version = "2.0") -> float:
    """1 where the answer is one of `gold` when normalised; by 2.0, no gold answer means that none is right.

    Raises ValueError by 1.1 where there is no gold answer.
    """
    return max(float(squad_normalise(one) == squad_normalise(answer)) for one in _compared(gold, version))


def squad_f1(answer: str, gold: Sequence[str], version: Version = "2.0") -> float:
    """The best F1 of words between the answer and one of `gold`. Raises ValueError as `squad_exact`."""
    words = squad_normalise(answer).split()
    return max(_word_f1(words, squad_normalise(one).split(), version) for one in _compared(gold, version))


def _compared(gold: Sequence[str], version: Version) -> Sequence[str]:
    """The right answers that are compared with."""
    if version == "1.1":
        return gold
    return [one for one in gold if squad_normalise(one)] or [""]


def _word_f1(words: list[str], right: list[str], version: Version) -> float:
    if not words or not right:
        return float(words == right) if version == "2.0" else 0.0
    common = sum((Counter(words) & Counter(right)).values())
    return f1(common / len(words), common / len(right))


def f1(precision: float, recall: float) -> float:
    """The harmonic mean; 0 where both are."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def set_f1(found: Iterable[Hashable], right: Iterable[Hashable]) -> float:
    """F1 of two sets; 1 where both are empty."""
    one, other = set(found), set(right)
    if not one or not other:
        return float(one == other)
    common = len(one & other)
    return f1(common / len(one), common / len(other))


def items_of(text: str, options: SetOptions) -> set[str]:
    """The items that a text lists: those of a JSON list, else its parts without list marks, brackets around
    the list, quotes around an item and full stops behind it.
    """
    try:
        parsed = strict_json.decode(text)
    except ValueError:
        parsed = None
    if isinstance(parsed, list):
        parts = [one if isinstance(one, str) else json_text(one) for one in parsed]
    else:
        bare = _BRACKETED.sub(r"\1\2\3", text)
        parts = bare.split(options.separator) if options.separator else re.split(r"[,;\n]", bare)
        parts = [_QUOTED.sub(r"\2", _MARK.sub("", part).strip()) for part in parts]
    found = {" ".join(part.split()).removesuffix(".") for part in parts}
    return {one.casefold() if options.ignore_case else one for one in found if one}


def _em(options: SquadOptions, bench: Bench) -> Judge:
    def judge(reply: Reply) -> Verdict:
        gold = wanted(options.value, reply)
        score = squad_exact(reply.text, gold, options.version)
        return Verdict(score, "" if score else f"expected {' or '.join(map(repr, gold))}")

    return judge


def _f1(options: SquadOptions, bench: Bench) -> Judge:
    def judge(reply: Reply) -> Verdict:
        return scored(squad_f1(reply.text, wanted(options.value, reply), options.version), "F1")

    return judge


def _sets(options: SetOptions, bench: Bench) -> Judge:
    def judge(reply: Reply) -> Verdict:
        found = items_of(reply.text, options)
        scores = [set_f1(found, items_of(one, options)) for one in wanted(options.value, reply)]
        return scored(max(scores), "F1")

    return judge


KINDS = (
    Kind("squad_em", "equal to an answer, as in SQuAD", SquadOptions, _em, expects="expected"),
    Kind("squad_f1", "words in common, as in SQuAD", SquadOptions, _f1, threshold=0.5, expects="expected"),
    Kind("set_f1", "items of a list in common", SetOptions, _sets, expects="expected"),
)
