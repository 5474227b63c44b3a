"""Which key decides for which category of failure, on the screen and in `temper triage --walk`."""

from __future__ import annotations

from store.records.triage import Category

KEYS: dict[str, Category] = {
    "b": "behaviour",
    "f": "format",
    "t": "tone",
    "o": "tool",
    "r": "refusal",
    "h": "hallucination",
    "e": "retrieval",
    "k": "knowledge",
    "s": "safety",
    "l": "label_noise",
    "p": "product",
}
