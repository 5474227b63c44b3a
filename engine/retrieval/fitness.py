"""Whether documents suit the embedder: their language, the length of passages. Says what to do where not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from engine.data.checks.language import identifier, is_english, prose_of
from store.records.knowledge import DocumentRecord

SAMPLED = 200
SAMPLE_CHARACTERS = 1_000
SHORTEST_SAMPLE = 80
"""Characters. Of less, the language cannot be told."""
SURE = 0.9
MANY = 0.1
"""Share of documents in another language from which on it is worth a warning."""
ENGLISH_TRAINED_TOKENS = 256
"""What the default embedder was trained on at most; it reads twice that."""


class Warned(msgspec.Struct):
    """A title, what was found and what to do."""

    title: str
    text: str


def language_warning(documents: Sequence[DocumentRecord], english_only: bool) -> Warned | None:
    """A warning where the embedder is for English and more than a few documents are not."""
    if not english_only:
        return None
    counted = Counter(filter(None, languages_of(_sample(documents))))
    total = counted.total()
    others = Counter({code: count for code, count in counted.items() if code != "en"})
    if not total or others.total() / total <= MANY:
        return None
    told = ", ".join(f"{code} {count}" for code, count in others.most_common(5))
    return Warned(
        "Many documents are not in English",
        f"{others.total()} of {total} documents that were looked at ({told}); the embedder is for English:\n"
        "questions about them are answered by their words alone.\n"
        "Take a multilingual one, as a GGUF file: temper kb ingest --embedder FILE",
    )


def length_warning(chunk_tokens: int, english_only: bool) -> Warned | None:
    """A warning where passages are longer than those that the default embedder was trained on."""
    if not english_only or chunk_tokens <= ENGLISH_TRAINED_TOKENS:
        return None
    return Warned(
        "Passages are longer than the embedder is used to",
        f"chunk_tokens is {chunk_tokens}; all-MiniLM-L6-v2 was trained on {ENGLISH_TRAINED_TOKENS} at most.\n"
        f"Set chunk_tokens = {ENGLISH_TRAINED_TOKENS} or less, or take an embedder for long texts: "
        "temper kb ingest --embedder FILE",
    )


def languages_of(texts: Sequence[str]) -> list[str]:
    """The two-letter code of each text's language; empty where it cannot be told."""
    proses = [prose_of(text[:SAMPLE_CHARACTERS]) for text in texts]
    found = ["en" if is_english(prose) else "" for prose in proses]
    doubtful = [
        at for at, prose in enumerate(proses) if not found[at] and len(prose.strip()) >= SHORTEST_SAMPLE
    ]
    if doubtful:
        model = identifier()
        model.expect([proses[at] for at in doubtful])
        for at in doubtful:
            language, likely = model.classify(proses[at])
            found[at] = str(language) if likely >= SURE else ""
    return found


def _sample(documents: Sequence[DocumentRecord]) -> list[str]:
    """Some texts from all over the documents, so that a folder in another language is met."""
    step = max(1, len(documents) // SAMPLED)
    prose = [one for one in documents[::step] if one.kind not in ("code", "rows")]
    return [one.text for one in prose]
