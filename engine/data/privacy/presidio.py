"""Microsoft's presidio-analyzer as one more detector, where it and its model are installed; never required.

Only what Temper has no rule of its own for is asked of it: names of people in running text.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from functools import cache
from typing import Any

from engine.data.privacy.found import Found
from engine.data.privacy.reading import Reading

LEAST_SCORE = 0.5
LANGUAGE = "en"
ENTITIES = ["PERSON"]


@cache
def analyzer() -> Any | None:
    """The analyser, or None where the package or the model that it would download is absent."""
    if importlib.util.find_spec("presidio_analyzer") is None or not _model_is_here():
        return None
    return importlib.import_module("presidio_analyzer").AnalyzerEngine()


def presidio(reading: Reading) -> Iterator[Found]:
    """What presidio finds; nothing where it is not installed."""
    engine = analyzer()
    if engine is None or not reading.text.strip():
        return
    for result in engine.analyze(text=reading.text, language=LANGUAGE, entities=ENTITIES):
        if result.score >= LEAST_SCORE:
            yield reading.found("person", result.start, result.end, float(result.score), "presidio")


def _model_is_here() -> bool:
    """Presidio's default engine loads this spaCy model, and downloads it where it is not there."""
    return importlib.util.find_spec("en_core_web_lg") is not None
