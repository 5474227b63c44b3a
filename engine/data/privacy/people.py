"""Names of people, where the words before them leave no doubt: titles, "my name is", the ends of letters.

Names without such words are not found: that needs a model (engine.data.privacy.presidio, where it is there).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.data.privacy.found import Found
from engine.data.privacy.reading import Reading

MOST_WORDS = 4
_TITLE = re.compile(
    r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sr|Sra|Herr|Frau|Mme|Mlle|Monsieur|Madame|Signor|Signora)\.?\s"
)
_SAID = re.compile(
    r"\b(?:my (?:full )?name(?:'s| is| was)|(?:his|her|their|the customer'?s?|patient'?s?"
    r"|client'?s?) (?:full )?name(?:'s| is)"
    r"|name on (?:the |my )?(?:card|account)(?: is)?|cardholder(?: name)?(?: is)?|(?:full|first|last"
    r"|customer|patient|contact|sur) ?name"
    r"|signed by|this is|i am|i'm|mein name ist|ich heiße|je m'appelle|mon nom est|me llamo|mi nombre es"
    r"|mi chiamo|meu nome é)"
    r"\s?:?\s"
)
_SAID_WORDS = (
    "name", "signed by", "cardholder", "this is", "i am", "i'm", "ich heiße", "je m'appelle", "mon nom",
    "me llamo", "mi nombre",
    "mi chiamo",
)  # fmt: skip
_WEAK = ("this is", "i am", "i'm")
_LETTER = re.compile(
    r"(?:\bDear|\bSincerely,?|\b(?:[Bb]est|[Kk]ind|[Ww]arm) [Rr]egards,?|\bRegards,?|\bYours (?:truly"
    r"|faithfully|sincerely),?"
    r"|\bCheers,|\bMit freundlichen Grüßen,?|\bCordialement,?)\s{1,3}"
)
_LETTER_WORDS = ("dear", "sincerely", "regards", "yours ", "cheers", "grüßen", "cordialement")
_DRIVE = re.compile(r"\d (?:[^\W\d_]+ ){1,3}\Z")
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|['\u2019\-](?=[^\W\d_]))*")
_PARTICLES = {
    "van",
    "von",
    "der",
    "den",
    "de",
    "del",
    "della",
    "di",
    "da",
    "dos",
    "du",
    "la",
    "le",
    "bin",
    "ibn",
    "al",
    "el",
    "af",
    "av",
}
_NO_NAMES = {
    "boss", "string", "str", "text", "varchar", "null", "none",
    "sir", "madam", "customer", "support", "team", "all", "friend", "friends", "hiring", "manager",
    "colleague", "colleagues",
    "user", "client", "valued", "the", "i", "a", "an", "and", "not", "our", "we", "you", "your", "please",
    "thank", "thanks",
    "president", "minister", "editor", "reader", "doctor", "professor", "diary", "god", "lord", "mom",
    "dad", "santa", "sirs",
    "chief", "is", "was", "has", "in", "on", "at", "from", "to", "for", "it", "this", "that", "he", "she",
    "they", "hello", "hi",
}  # fmt: skip


def people(reading: Reading) -> Iterator[Found]:
    """Capitalised names after a title, an introduction or in a letter."""
    text = reading.text
    for title in _TITLE.finditer(text):
        begin = title.start()
        joined = begin > 0 and text[begin - 1].isalnum()
        if not joined and not (title.group()[:2] == "Dr" and _DRIVE.search(text[max(0, begin - 40) : begin])):
            yield from _named(reading, title.end(), 0.7, 1)
    if reading.has(_SAID_WORDS):
        for said in _SAID.finditer(reading.lower):
            weak = said.group().strip().startswith(_WEAK)
            for name in _named(reading, said.end(), 0.6 if weak else 0.8, 2 if weak else 1):
                if not (weak and name.text.isupper()):
                    yield name
    if reading.has(_LETTER_WORDS):
        for letter in _LETTER.finditer(text):
            yield from _named(reading, letter.end(), 0.6, 1)


def _named(reading: Reading, start: int, score: float, fewest: int) -> Iterator[Found]:
    """The name that begins at `start`, of at least `fewest` words, if one does."""
    text = reading.text
    if title := _TITLE.match(text, start):
        start = title.end()
    position, end, count = start, start, 0
    while count < MOST_WORDS and (word := _WORD.match(text, position)):
        written = word.group()
        if written.lower() in _NO_NAMES:
            break
        if written[0].isupper():
            count, end = count + 1, word.end()
        elif not (count and written in _PARTICLES):
            break
        position = word.end()
        if written.endswith(("'s", "\u2019s")) and count:
            end -= 2
            break
        if text[position : position + 2] == ". " and len(written) == 1:
            position += 1
        if text[position : position + 1] != " ":
            break
        position += 1
    if count >= fewest and end - start >= 2:
        yield reading.found("person", start, end, score)
