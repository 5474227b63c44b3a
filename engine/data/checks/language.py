"""Rows in another language than expected: than the languages that were named, or than most rows are in.

py3langid guesses the language of the question and of the answer apart, since a dataset of translations has
two. Short texts, code, JSON and doubtful guesses are not judged: silence says nothing about them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from sys import intern
from typing import TYPE_CHECKING

from engine.data.checks.contract import Basis, Kind, answer_of, asked_of
from engine.data.checks.json_answers import looks_like_json
from engine.data.checks.scanning import Hit
from engine.data.checks.settling import by_kind
from store.errors import UsageError
from store.records.data import Example
from store.records.findings import CheckSettings, Finding

if TYPE_CHECKING:
    from engine.data.checks.language_model import ManyTexts

SURE = 0.7
"""Guesses below are not used: on 5,000 short English messages the highest wrong one had 0.24."""
FEWEST_WORDS = 3
FEWEST_LETTERS = 12
FEWEST_LETTERS_UNSPACED = 6
"""Of scripts that write no spaces between words, and say more in a letter."""
READ_LETTERS = 240
"""A text's language shows in its first letters."""
USUAL_SHARE = 0.1
"""A language that this share of all rows is in (and FEWEST_ROWS of them) belongs to the dataset."""
FEWEST_ROWS = 3

ENGLISH_WORDS, ENGLISH_SHARE = 3, 12
"""So many different words that only English has, and one of so many that a text has, settle the matter."""

_ENGLISH_ONLY = """
the and what with this that have you how from which when would could there they were been should your does
many much their then than because about where who why she her his each more after before same every between
"""
_ENGLISH = frozenset(_ENGLISH_ONLY.split())
# Varieties that cannot be told apart for certain: either is the other.
_SAME = {"bs": "hr", "sr": "hr", "ms": "id", "nn": "no", "nb": "no", "da": "no", "gl": "pt", "sk": "cs"}
_FENCED = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_MARKUP = re.compile(r"<[^<>\n]{1,200}>|\{[^{}\n]{1,200}\}")
_NO_WORD = re.compile(r"[/\\_@]")  # in addresses, paths and identifiers
_KEYWORD = r"(?:def|class|import|from|return|if|for|while|function|var|let|const|pragma|contract|SELECT)\b"
_CODE = re.compile(
    rf"[;{{}}]\s*$|^\s*{_KEYWORD}.*[(:{{;=]|[=!<>]=|\w\(\w*\)|^\s*(?://|#include|/\*)", re.MULTILINE
)
# What follows finds quickly that _CODE has no match: most texts hold a sign of it, few more than that.
_CODE_SIGN = re.compile(r"[;{}(:=/#]")
_CODE_MARKS = (";", "{", "}", "==", "!=", "<=", ">=", "//", "#include", "/*")
_CODE_FIRST, _CODE_LINE = re.compile(rf"\s*{_KEYWORD}"), re.compile(rf"\n\s*{_KEYWORD}")
_CODE_CALL = re.compile(r"\w\(\w*\)")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


def scans(settings: CheckSettings) -> Language:
    """The scan. Raises ImportError without py3langid, UsageError for a language that it does not know."""
    return Language(settings)


class Language:
    """Notes the language of every row that can be judged; `conclude` keeps those that stand out."""

    kinds: tuple[Kind, ...] = (
        Kind(
            "language",
            "language",
            "warn",
            "{count} rows are in another language",
            "Name it with --language if it belongs there, or: temper data fix {dataset} --drop language",
        ),
    )

    def __init__(self, settings: CheckSettings) -> None:
        import py3langid  # noqa: F401  # absent: known now, though the model is only read for the first row

        self._identifier: ManyTexts | None = None
        self._known: dict[str, str] = {}
        self._expected = {_SAME.get(language, language) for language in settings.languages}
        if settings.languages:
            self._identifier = identifier()
            check_languages(settings.languages, self._identifier.labels)

    def scan(self, example: Example) -> Iterator[tuple[str, str]]:
        """The sides of a row that can be judged, as `side language`."""
        for side, text in sides_of(example):
            if (language := self._known.get(text)) is None:
                language = self._languages([text])[text]
            if language:
                yield "language", intern(f"{side} {language}")

    def prepare(self, examples: Sequence[Example]) -> None:
        """Guess for several rows at once: the model reads many texts in the time of a few."""
        self._known = self._languages({text for example in examples for _, text in sides_of(example)})

    def conclude(self, hits: Sequence[Hit], basis: Basis) -> list[Finding]:
        """Rows with a side that is in none of the expected languages, or in none that is usual."""
        notes = [(hit, hit.note.partition(" ")[0], hit.note.partition(" ")[2]) for hit in hits]
        usual = {
            side: self._expected or usual_languages(language for _, at, language in notes if at == side)
            for side in ("question", "answer")
        }
        odd = [
            hit._replace(note=f"the {side} reads as {language}, not {' or '.join(sorted(usual[side]))}")
            for hit, side, language in notes
            if usual[side] and _SAME.get(language, language) not in usual[side]
        ]
        return by_kind(self, odd, basis)

    def _languages(self, texts: Collection[str]) -> dict[str, str]:
        """The language of each text, empty where it cannot be judged."""
        proses = {text: prose_of(text) for text in texts}
        different = dict.fromkeys(proses.values())
        languages = {prose: "en" if prose else "" for prose in different if not prose or is_english(prose)}
        doubtful = [prose for prose in different if prose not in languages]
        if doubtful:
            model = self._identifier = self._identifier or identifier()
            model.expect(doubtful)
            for prose in doubtful:
                language, likely = model.classify(prose)
                languages[prose] = language if likely >= SURE else ""
        return {text: languages[prose] for text, prose in proses.items()}


def sides_of(example: Example) -> tuple[tuple[str, str], tuple[str, str]]:
    """What a row asks and what it answers, each with its name."""
    return ("question", asked_of(example)), ("answer", "" if example.text else answer_of(example))


def is_english(prose: str) -> bool:
    """Whether a text is English beyond doubt, by words that no other language writes: a short cut."""
    if not prose.isascii():
        return False
    words = set(prose.lower().split())
    known = len(words & _ENGLISH)
    return known >= ENGLISH_WORDS and known * ENGLISH_SHARE >= len(words)


def prose_of(text: str) -> str:
    """The part of a text whose language can be guessed; empty where it is too short, code or JSON."""
    if looks_like_json(text):
        return ""
    prose = text[:READ_LETTERS]
    if "`" in prose:
        prose = _FENCED.sub(" ", prose)
    if "<" in prose or "{" in prose:
        prose = _MARKUP.sub(" ", prose)
    if _is_code(prose):
        return ""
    words = [word for word in prose.split() if not word.isnumeric()]
    if _NO_WORD.search(prose):
        words = [word for word in words if word.isalpha() or not _NO_WORD.search(word)]
    joined = "".join(words)
    if not prose.isascii():
        letters = sum(map(str.isalpha, joined))
        if len(_UNSPACED.findall(prose)) * 2 > letters:
            return " ".join(words) if letters >= FEWEST_LETTERS_UNSPACED else ""
    enough = len(words) >= FEWEST_WORDS and _has_letters(joined)
    return " ".join(words) if enough else ""


def _has_letters(text: str) -> bool:
    """Whether a text has FEWEST_LETTERS: its beginning has them as a rule."""
    begin = text[: 2 * FEWEST_LETTERS]
    return sum(map(str.isalpha, begin)) >= FEWEST_LETTERS or sum(map(str.isalpha, text)) >= FEWEST_LETTERS


def _is_code(prose: str) -> bool:
    """Whether a text has the look of code in more than one place, and in more than one line of four."""
    if not _CODE_SIGN.search(prose):
        return False
    for mark in _CODE_MARKS:
        if mark in prose:
            break
    else:
        line = _CODE_FIRST.match(prose) or _CODE_LINE.search(prose)
        if not line and not ("(" in prose and _CODE_CALL.search(prose)):
            return False
    return len(_CODE.findall(prose)) > prose.count("\n") / 4 + 1


def usual_languages(found: Iterator[str]) -> set[str]:
    """The languages that a good share of rows is in; none where too few rows were judged."""
    counts = Counter(_SAME.get(language, language) for language in found)
    least = max(FEWEST_ROWS, USUAL_SHARE * counts.total())
    return {language for language, rows in counts.items() if rows >= least}


@cache
def identifier() -> ManyTexts:
    """The model, loaded once in a process."""
    from engine.data.checks.language_model import load

    return load()


def check_languages(asked: Sequence[str], known: Sequence[str]) -> None:
    """Raise UsageError for codes that are not among `known`."""
    unknown = sorted(set(asked) - set(known) - set(_SAME))
    if unknown:
        raise UsageError(
            "No such language",
            f"{', '.join(unknown)}; known are {', '.join(sorted(known))}.",
            "Name languages by their two-letter code, for example: --language en",
        )
