"""Rows that say nothing, and answers that look cut off.

An answer looks cut off when a code fence is left open, when it is JSON that ends too early, or when it ends
in mid-sentence where nearly all answers of the dataset do not: whether that is odd can only be said by the
others. Does not know tokens: what `max_length` cuts is another check (tokens.py).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from engine.data.checks.contract import Basis, Kind, asked_of
from engine.data.checks.json_answers import ends_early, looks_like_json
from engine.data.checks.scanning import Hit
from engine.data.checks.settling import by_kind
from store.records.data import Example, Message
from store.records.findings import CheckSettings, Finding

EMPTY, QUESTION, CUT, UNFINISHED = "empty", "empty/question", "empty/cut", "empty/unfinished"
FEWEST_ANSWERS = 20
"""Sentences that must have been seen before one can be called odd."""
ODD_SHARE = 0.1
"""Unfinished answers are odd as long as they are fewer than this share of all answers in sentences."""
SENTENCE_LETTERS = 20
"""An answer without white space is a label up to this length, and a sentence of a script without it above."""
TAIL_WORDS = 4
"""A last line of its own with so few words is a signature or a heading, and needs no full stop."""
SHOWN_LETTERS = 40

_FENCE = re.compile(r"^[ \t]{0,3}(`{3,}|~{3,})", re.MULTILINE)
# Behind these no sentence has ended: commas, dashes and opening brackets.
_OPEN = ",;([{<-/&+=\u2013\u2014\u3001\uff0c\uff1b\u300c\uff08"
_LIST_LINE = re.compile(r"\s*(?:[-*+•|>#]|\d+[.)]|\w[.)])\s*\S")
_ADDRESS = re.compile(r"\S+(?:://|@|www\.)\S+$")


def scans(settings: CheckSettings) -> Empty:
    """The scan; no setting changes it."""
    return Empty()


class Empty:
    """Empty answers, empty questions, and answers that end too early."""

    kinds: tuple[Kind, ...] = (
        Kind(
            EMPTY,
            "empty",
            "warn",
            "{count} rows have an empty answer",
            "Take them out: temper data fix {dataset} --drop empty",
        ),
        Kind(
            QUESTION,
            "empty",
            "warn",
            "{count} rows ask nothing",
            "Take them out: temper data fix {dataset} --drop empty/question",
        ),
        Kind(
            CUT,
            "empty",
            "warn",
            "{count} answers break off inside code or JSON",
            "Complete them in the source, or: temper data fix {dataset} --drop empty/cut",
        ),
        Kind(
            UNFINISHED,
            "empty",
            "warn",
            "{count} answers end in mid-sentence, as few others do",
            "Complete them in the source, or: temper data fix {dataset} --drop empty/unfinished",
        ),
    )

    def scan(self, example: Example) -> Iterator[tuple[str, str]]:
        """What is empty or cut off in one row; unfinished ones are only candidates."""
        if not example.messages:
            if not example.text.strip():
                yield EMPTY, "no text"
            return
        if not asked_of(example).strip():
            yield QUESTION, "no question"
        for turn in answers(example):
            text = turn.content.strip()
            if not text and not turn.tool_calls:
                yield EMPTY, "empty answer"
            elif reason := cut_off(text):
                yield CUT, f"{reason}: {ending(text)}"
            elif unfinished(text):
                yield UNFINISHED, f"ends in {ending(text)}"

    def conclude(self, hits: Sequence[Hit], basis: Basis) -> list[Finding]:
        """Unfinished answers stand only where they are few among many."""
        sentences = sum(is_sentence(answer.strip()) for answer in basis.answers)
        rows = {hit.at for hit in hits if hit.kind == UNFINISHED}
        odd = sentences >= FEWEST_ANSWERS and len(rows) < ODD_SHARE * sentences
        return by_kind(self, [hit for hit in hits if odd or hit.kind != UNFINISHED], basis)


def answers(example: Example) -> Iterable[Message]:
    """The turns of a row that are learned: the assistant's with loss, of both endings."""
    turns = [*example.messages, *example.rejected]
    return (turn for turn in turns if turn.role == "assistant" and turn.weight)


def cut_off(text: str) -> str:
    """Why an answer is certainly not whole; empty where nothing says so."""
    if _open_fence(text):
        return "a code block is never closed"
    return "JSON that ends too early" if ends_early(text) else ""


def _open_fence(text: str) -> bool:
    """Whether a fenced block is open at the end (CommonMark: closed by at least as long a fence)."""
    fence = ""
    for match in _FENCE.finditer(text):
        found = match[1]
        if not fence:
            fence = found
        elif found.startswith(fence) and not text[match.end() :].partition("\n")[0].strip():
            fence = ""
    return bool(fence)


def is_sentence(text: str) -> bool:
    """Whether an answer is prose: more than one word (or as long), neither JSON nor code at its end."""
    if looks_like_json(text) or text.endswith(("```", "~~~")):
        return False
    return any(letter.isspace() for letter in text) or len(text) >= SENTENCE_LETTERS


def unfinished(text: str) -> bool:
    """Whether prose ends in mid-sentence: in a letter, or in a sign after which something must follow."""
    if not is_sentence(text):
        return False
    last_letter = text[-1]
    if last_letter in _OPEN:
        return True
    # What ends in a bracket, a quote or a number was ended on purpose as likely as not.
    if unicodedata.category(last_letter)[0] not in "LM" or _ADDRESS.search(text):
        return False
    before, broken, last = text.rpartition("\n")
    if broken and (len(last.split()) <= TAIL_WORDS or _LIST_LINE.match(last)):
        return False
    return not _LIST_LINE.match(last) or bool(before)


def ending(text: str) -> str:
    """The end of a text, for people."""
    tail = " ".join(text[-SHOWN_LETTERS:].split())
    return f"…{tail}" if len(text) > SHOWN_LETTERS else tail
