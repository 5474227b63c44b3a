"""Answers drawn letter by letter from what a grammar of calls allows: each that it lets end is readable."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from engine.inference.structured.call_reading import call_form
from engine.inference.structured.tools import ToolSet, form_for
from engine.inference.structured.vocabulary import Vocabulary
from tests.engine.inference.structured.families import NATIVE, STOPS, source

CONTROL = (
    *("[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "<think>", "</think>", "<|pad|>", "<|channel|>", "<|message|>"),
    *("<tool_call>", "</tool_call>", "<|tool_call>", "<tool_call|>", '<|"|>'),
)
END, MOST, WALKS = 256, 700, 4
LIKED = b'"}]>/\n ,:{abcxyz019<'
PROPERTIES: dict[str, Any] = {
    "may": {"type": ["string", "null"]},
    "count": {"type": "integer", "minimum": 0, "maximum": 500},
    "list": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2},
    "text": {"type": "string", "minLength": 2, "maxLength": 5},
    "sure": {"type": "boolean"},
}
PARAMETERS = {"type": "object", "properties": PROPERTIES, "required": ["text"], "additionalProperties": False}
TOOLS = [
    {"type": "function", "function": {"name": "full", "parameters": PARAMETERS}},
    {
        "type": "function",
        "function": {"name": "full_stop", "parameters": {"type": "object", "maxProperties": 0}},
    },
]


def vocabulary(control: tuple[str, ...]) -> Vocabulary:
    """The bytes, an end, and control tokens."""
    tokens = [bytes([byte]) for byte in range(256)] + [b""] * (1 + len(control))
    known = {word: END + 1 + at for at, word in enumerate(control)}
    return Vocabulary(tokens, [END, *known.values()], frozenset({END}), list, known)


VOCABULARIES = {"bytes": vocabulary(()), "control": vocabulary(CONTROL)}


def walk(tools: ToolSet, words: Vocabulary, seed: str) -> str | None:
    """An answer that the grammar allows, drawn by a seed; None where it does not end in time."""
    draw, state, shown = random.Random(seed), tools.structure.grammar(words).start(), b""
    for _ in range(MOST):
        mask = state.mask()
        allowed = [int(token) for token in np.flatnonzero(mask) if token != END]
        if mask[END] and (not allowed or draw.random() < 0.15):
            return shown.decode()
        assert allowed, f"nothing may follow {shown!r}"
        liked = [token for token in allowed if token > END or token in LIKED]
        token = draw.choice(liked or allowed)
        assert state.allows(token)
        state.advance(token)
        shown += state.spelling(token) or (bytes([token]) if token < END else b"")
    return None


@pytest.mark.parametrize("family", NATIVE)
def test_every_answer_that_may_end_is_text_or_good_calls(family: str) -> None:
    form = form_for(TOOLS, call_form(source(family), STOPS))
    ended = calls = 0
    for choice in ("auto", "required"):
        tools = ToolSet(TOOLS, choice, form)
        for name, words in VOCABULARIES.items():
            for seed in range(WALKS):
                text = walk(tools, words, f"{name} {choice} {seed}")
                if text is not None:
                    assert tools.problem(text) == "", text
                    ended += 1
                    calls += len(tools.calls(text))

    assert ended >= 2 * WALKS
    assert calls
