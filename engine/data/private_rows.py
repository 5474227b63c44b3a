"""The texts of an example that may hold something private, and the example with them masked.

Metadata is left as it is: it is never shown to a model, and the checks need its annotators and groups.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine.data.privacy.detector import Detector
from engine.data.privacy.masking import Masker
from store.records.data import Example, Message


def texts_of(example: Example) -> list[str]:
    """Every text of a row that a model may read or write, in a fixed order; empty ones too."""
    turns = [*example.messages, *example.rejected]
    return [example.text, example.tools, *(text for turn in turns for text in _texts(turn))]


def masked_example(example: Example, detector: Detector) -> tuple[Example, int]:
    """The row with every find replaced by its placeholder, and how many different values were replaced.

    The row itself is returned where nothing was found. Its id is left as it was.
    """
    texts = texts_of(example)
    masker = Masker(detector)
    masked = masker.mask(texts)
    if masked == texts:
        return example, 0
    rest = iter(masked[2:])
    changed = msgspec.structs.replace(
        example,
        text=masked[0],
        tools=masked[1],
        messages=[_with_texts(turn, rest) for turn in example.messages],
        rejected=[_with_texts(turn, rest) for turn in example.rejected],
    )
    return changed, sum(masker.counts.values())


def _texts(turn: Message) -> list[str]:
    return [turn.content, *(call.arguments for call in turn.tool_calls)]


def _with_texts(turn: Message, texts: Iterator[str]) -> Message:
    content = next(texts)
    calls = [msgspec.structs.replace(call, arguments=next(texts)) for call in turn.tool_calls]
    return msgspec.structs.replace(turn, content=content, tool_calls=calls)
