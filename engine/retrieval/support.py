"""Whether a cited passage says what an answer's sentence says: words, numbers and, with an embedder, meaning.

Measured on sentences of real articles and on authors' own one-line summaries, against other passages:
docs/decisions/0020. It finds what is made up or cited from elsewhere; a passage that says the contrary in the
same words supports it here, and only a judge can tell. Knows no index and no model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from engine.retrieval.words import terms
from store.records.traces import Support

Embed = Callable[[Sequence[str]], npt.NDArray[np.float32]]
"""Texts to vectors of length 1 [texts, dimension]."""

ENOUGH_WORDS = 0.6
"""Share of a sentence's words that stand in the passage, where meaning is not asked."""
ENOUGH = 1.1
"""Share of words plus cosine, where it is."""
FEWEST_WORDS = 3
"""A sentence of fewer words claims nothing that could be checked: "Yes." """

_SENTENCE = re.compile(r"[^\s](?:[^.!?\n]|[.!?](?!\s|$|\s*\[))*[.!?]*(?:[ \t]*\[\d[\d ,;]*\])*[.!?]*")
_CITED = re.compile(r"\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\](?!\()")
SPELLED = [
    *(
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    )
]
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_ABSTAINS = re.compile(
    r"not (?:\w+ )?(?:in|part of|covered by|mentioned in|found in|contained in) (?:the|these|any|your|my)"
    r"(?: \w+)? (?:documents?|passages?|sources?|context|documentation)"
    r"|(?:documents?|passages?|sources?|context|documentation) (?:do|does) not"
    r" (?:say|mention|answer|contain|cover)",
    re.IGNORECASE,
)


def supports(sentence: str, passage: str, embed: Embed | None = None) -> tuple[bool, float, str]:
    """Whether `passage` supports `sentence`; a score (to 1, with `embed` to 2); why not, or empty."""
    sentence = _CITED.sub("", sentence)
    words = set(terms(sentence))
    shared = len(words & set(terms(passage))) / len(words) if words else 0.0
    missing = sorted(_numbers(sentence) - _numbers(passage) - _spelled(passage))
    score, enough = shared, ENOUGH_WORDS
    if embed is not None:
        of_sentence, of_passage = embed([sentence, passage])
        score, enough = shared + max(0.0, float(of_sentence @ of_passage)), ENOUGH
    if missing:
        return False, score, f"{', '.join(missing)} does not stand there"
    if score < enough:
        return False, score, f"{shared:.0%} of its words stand there"
    return True, score, ""


def check_support(
    answer: str, passages: Sequence[str], embed: Embed | None = None, cited_by_default: Sequence[int] = ()
) -> list[Support]:
    """The sentences of `answer` that claim something, each with what it cites and whether that supports it.

    `passages` are numbered from 1. A number without a passage supports nothing. A sentence that cites nothing
    is held to the numbers of its paragraph that follow it, else to `cited_by_default`; where there are none,
    it is unsupported. Nothing is checked without passages, and of an answer that is JSON.
    """
    if not passages or abstains(answer) or is_json(answer):
        return []
    found = []
    spans = list(sentences(answer))
    for at, (start, end) in enumerate(spans):
        text = answer[start:end]
        if len(terms(_CITED.sub("", text))) < FEWEST_WORDS:
            continue
        cited = numbers(text) or _following(answer, spans[at + 1 :], end) or list(cited_by_default)
        found.append(_judged(text, start, end, cited, passages, embed))
    return found


def is_json(answer: str) -> bool:
    """Whether an answer is a JSON object or array, whose words are content."""
    try:
        return isinstance(json.loads(answer), dict | list)
    except ValueError:
        return False


def abstains(answer: str) -> bool:
    """Whether the answer is that the documents do not hold it."""
    return len(answer) < 400 and bool(_ABSTAINS.search(answer))


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Beginnings and ends of the sentences of `text`, citations behind a full stop with the one before."""
    for match in _SENTENCE.finditer(text):
        yield match.span()


def numbers(sentence: str) -> list[int]:
    """The passages that a sentence cites, each once."""
    found = [int(number) for match in _CITED.finditer(sentence) for number in re.findall(r"\d+", match[1])]
    return list(dict.fromkeys(found))


def _judged(
    text: str, start: int, end: int, cited: list[int], passages: Sequence[str], embed: Embed | None
) -> Support:
    known = [number for number in cited if 1 <= number <= len(passages)]
    if not known:
        why = "it cites no passage" if not cited else f"there is no passage {cited[0]}"
        return Support(start, end, cited, False, 0.0, why)
    # Several passages may support a sentence between them.
    judged = [supports(text, passages[number - 1], embed) for number in known]
    judged.append(supports(text, "\n".join(passages[number - 1] for number in known), embed))
    supported, score, why = max(judged, key=lambda one: (one[0], one[1]))
    return Support(start, end, cited, supported, round(score, 3), why)


def _following(answer: str, later: list[tuple[int, int]], end: int) -> list[int]:
    """The numbers that the next citing sentence of the same paragraph has."""
    for start, stop in later:
        if "\n\n" in answer[end:start]:
            break
        if cited := numbers(answer[start:stop]):
            return cited
        end = stop
    return []


def _numbers(text: str) -> set[str]:
    return {number.replace(",", "") for number in _NUMBER.findall(text)}


def _spelled(text: str) -> set[str]:
    """The numbers up to twelve that a text writes as words: "3 days" says what "three days" says."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    return {str(number) for number, word in enumerate(SPELLED) if word in words}
