"""Other wordings of a question, made by rule: what people do to a sentence without meaning anything else.

By rule and not by a model: a rule keeps the meaning, the same wordings come out each time, and none is of a
small model's own making (docs/decisions/0021-eval-suites.md). What a rule cannot do is say it in other words.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from store.records.evals import Case, Origin

_CONTRACTED = {
    "I'm": "I am", "can't": "cannot", "don't": "do not", "doesn't": "does not", "what's": "what is",
    "it's": "it is", "isn't": "is not", "won't": "will not", "I've": "I have", "where's": "where is",
    "didn't": "did not", "how's": "how is", "I'd": "I would", "you're": "you are", "haven't": "have not",
}  # fmt: skip
_ENGLISH = re.compile(r"\b(?:the|is|are|my|how|what|where|why|do|does|can|i|you|a|to|of)\b", re.IGNORECASE)


def lower(text: str) -> str:
    """All in small letters."""
    return text.lower()


def unpunctuated(text: str) -> str:
    """Without the signs at the end and between words."""
    return re.sub(r"[,;:!?]+|\.(?=\s|$)", "", text).strip()


def mistyped(text: str) -> str:
    """Two letters swapped within the longest word."""
    words = re.findall(r"[^\W\d_]{5,}", text)
    if not words:
        return text
    word = max(words, key=len)
    middle = len(word) // 2
    swapped = word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]
    return text.replace(word, swapped, 1)


def spaced(text: str) -> str:
    """With a blank line around and spaces doubled."""
    return f"\n{text.replace(' ', '  ')}\n"


def shouted(text: str) -> str:
    """All in capitals."""
    return text.upper()


def written_out(text: str) -> str:
    """Contractions written out, or made where there are none."""
    for short, full in _CONTRACTED.items():
        for one, other in ((short, full), (short.capitalize(), full.capitalize())):
            if re.search(rf"\b{re.escape(one)}\b", text):
                return re.sub(rf"\b{re.escape(one)}\b", other, text)
            if re.search(rf"\b{re.escape(other)}\b", text):
                return re.sub(rf"\b{re.escape(other)}\b", one, text)
    return text


def greeted(text: str) -> str:
    """Behind a greeting."""
    return f"Hello, I have a question. {text}"


def thanked(text: str) -> str:
    """Before thanks."""
    return f"{text} Thanks in advance!"


ANY_LANGUAGE: tuple[Callable[[str], str], ...] = (lower, mistyped, unpunctuated, spaced, shouted)
ENGLISH: tuple[Callable[[str], str], ...] = (written_out, greeted, thanked)


def wordings_of(text: str, count: int) -> list[str]:
    """At most `count` other wordings, all different; fewer where the rules find no more."""
    english = len(_ENGLISH.findall(text)) >= 2
    rules = ANY_LANGUAGE
    if english:  # in turns, so that two wordings are not two ways of typing
        rules = (lower, greeted, mistyped, written_out, unpunctuated, thanked, spaced, shouted)
    found = dict.fromkeys(rule(text) for rule in rules)
    return [one for one in found if one != text][:count]


def paraphrased(case: Case, count: int) -> list[Case]:
    """The case and its other wordings, as one group. A case of several turns stays alone."""
    if case.messages or case.turns or not case.input:
        return [case]
    others = wordings_of(case.input, count)
    if not others:
        return [case]
    case.group = case.group or case.id
    origin = Origin(kind="paraphrase", case=case.id)
    return [case] + [
        msgspec.structs.replace(case, id=f"{case.id}~{number}", input=text, origin=origin)
        for number, text in enumerate(others, start=1)
    ]
