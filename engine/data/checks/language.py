"""Rows in another language than expected: than the languages that were named, or than most rows are in.

py3langid guesses the language of the question and of the answer apart, since a dataset of translations has
two. Short texts, code, JSON and doubtful guesses are not judged: silence says nothing about them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from sys import intern
from typing import TYPE_CHECKING, Protocol

from engine.data.checks.contract import Basis, Kind, answer_of, asked_of
from engine.data.checks.json_answers import looks_like_json
from engine.data.checks.scanning import Hit
from engine.data.checks.settling import by_kind
from store.errors import UsageError
from store.records.data import Example
from store.records.findings import CheckSettings, Finding

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

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
_CODE = re.compile(
    r"[;{}]\s*$|^\s*(?:def|class|import|from|return|if|for|while|function|var|let|const|pragma|contract|SELECT)\b"
    r".*[(:{;=]|[=!<>]=|\w\(\w*\)|^\s*(?://|#include|/\*)",
    re.MULTILINE,
)
_CODE_SIGN = re.compile(r"[;{}(:=/#]")
"""Without one of these nothing is code: one quick look at most texts."""
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


class Identifier(Protocol):
    """What guesses: py3langid's identifier."""

    labels: list[str]
    nb_ptc: npt.NDArray[np.float32]

    def classify(self, text: str) -> tuple[str, float]:
        """The most likely language and how likely it is, in [0, 1]."""

    def set_languages(self, langs: list[str]) -> None:
        """Guess among these only."""


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

        self._identifier: Identifier | None = None
        self._expected = {_SAME.get(language, language) for language in settings.languages}
        if settings.languages:
            self._identifier = identifier()
            check_languages(settings.languages, self._identifier.labels)

    def scan(self, example: Example) -> Iterator[tuple[str, str]]:
        """The sides of a row that can be judged, as `side language`."""
        answer = "" if example.text else answer_of(example)
        for side, text in (("question", asked_of(example)), ("answer", answer)):
            if language := self._language(text):
                yield "language", intern(f"{side} {language}")

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

    def _language(self, text: str) -> str:
        prose = prose_of(text)
        if not prose or is_english(prose):
            return "en" if prose else ""
        self._identifier = self._identifier or identifier()
        language, likely = self._identifier.classify(prose)
        return language if likely >= SURE else ""


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
    if _CODE_SIGN.search(prose) and len(_CODE.findall(prose)) > prose.count("\n") / 4 + 1:
        return ""
    words = [word for word in prose.split() if not word.isnumeric()]
    if _NO_WORD.search(prose):
        words = [word for word in words if not _NO_WORD.search(word)]
    letters = sum(map(str.isalpha, "".join(words)))
    if not prose.isascii() and len(_UNSPACED.findall(prose)) * 2 > letters:
        return " ".join(words) if letters >= FEWEST_LETTERS_UNSPACED else ""
    return " ".join(words) if len(words) >= FEWEST_WORDS and letters >= FEWEST_LETTERS else ""


def usual_languages(found: Iterator[str]) -> set[str]:
    """The languages that a good share of rows is in; none where too few rows were judged."""
    counts = Counter(_SAME.get(language, language) for language in found)
    least = max(FEWEST_ROWS, USUAL_SHARE * counts.total())
    return {language for language, rows in counts.items() if rows >= least}


@cache
def identifier() -> Identifier:
    """py3langid over the languages that have a two-letter code, as `--language` names them."""
    import numpy as np
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    made: Identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    # Dialects and pidgins without such a code take probability from the language people would name.
    made.set_languages([label for label in made.labels if len(label) == 2])
    # As it comes the table is float16, and column by column once languages were taken out: slow to add up.
    made.nb_ptc = np.ascontiguousarray(made.nb_ptc, dtype=np.float32)
    return made


def check_languages(asked: Sequence[str], known: Sequence[str]) -> None:
    """Raise UsageError for codes that are not among `known`."""
    unknown = sorted(set(asked) - set(known) - set(_SAME))
    if unknown:
        raise UsageError(
            "No such language",
            f"{', '.join(unknown)}; known are {', '.join(sorted(known))}.",
            "Name languages by their two-letter code, for example: --language en",
        )
