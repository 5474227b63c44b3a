"""Answers of real models under a structure: valid when complete, called cut when they were cut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.inference.answers import Answer, Ask
from engine.inference.chat import Composition
from engine.inference.llama import Model
from engine.inference.structured.call_form import DEFAULT
from engine.inference.structured.structure import (
    Structure,
    choice_structure,
    judged,
    regex_structure,
    schema_structure,
)
from engine.inference.structured.tools import ToolSet
from engine.inference.structured.vocabulary import Vocabulary
from store.errors import TemperError, UsageError
from store.records.data import Message
from store.records.output import OutputFormat
from store.records.workspace import ResolvedVariant, Sampling
from tests.ggufs import stories_f32, tiny_f32

INTENT: dict[str, Any] = {
    "type": "object",
    "properties": {"intent": {"enum": ["recovery", "scam"]}, "note": {"type": "string", "maxLength": 8}},
    "required": ["intent", "note"],
    "additionalProperties": False,
}
LOCK = {
    "type": "function",
    "function": {
        "name": "lock_card",
        "parameters": {
            "type": "object",
            "properties": {"reason": {"enum": ["lost", "stolen"]}},
            "required": ["reason"],
            "additionalProperties": False,
        },
    },
}
QUESTION = [Message("user", "I lost my phone")]
MODELS = {"tiny": (tiny_f32, ""), "stories": (stories_f32, "{prompt}\n{completion}")}


@pytest.fixture(scope="module", params=MODELS)
def answering(request: pytest.FixtureRequest) -> Iterator[Composition]:
    gguf, template = MODELS[request.param]
    sampling = Sampling(max_tokens=120)
    composition = Composition(ResolvedVariant("x", str(gguf()), template=template, sampling=sampling))
    yield composition
    composition.close()


def answer(composition: Composition, structure: Structure | None = None, **more: Any) -> Answer:
    [(_, found)] = composition.answer_many([Ask(QUESTION, structure=structure, **more)])
    return found


@pytest.mark.parametrize(
    "structure",
    [schema_structure(INTENT), regex_structure("[0-9]{3}/[a-z]{2}"), choice_structure(["yes please", "no"])],
)
@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_a_complete_answer_is_valid(answering: Composition, structure: Structure, temperature: float) -> None:
    found = answer(answering, structure, sampling=Sampling(max_tokens=120, temperature=temperature, seed=3))

    assert (found.finish_reason, found.error, found.invalid) == ("stop", "", "")
    assert structure.problem(found.text) == ""


def test_an_answer_that_was_cut_is_called_so_and_not_valid(answering: Composition) -> None:
    found = answer(answering, schema_structure(INTENT), sampling=Sampling(max_tokens=4))

    assert found.finish_reason == "length"
    assert "cut" in found.invalid
    assert found.invalid in found.notices


def test_what_a_grammar_let_pass_is_an_error_and_no_answer() -> None:
    with pytest.raises(TemperError, match="breaks its structure"):
        judged(schema_structure({"type": "string", "format": "date"}), '"2023-02-30"', complete=True)


def test_the_output_of_a_variant_holds_for_all_that_is_asked_of_it(tmp_path: Path) -> None:
    output = OutputFormat("json_schema", schema=INTENT)
    composition = Composition(ResolvedVariant("x", str(tiny_f32()), output=output))

    assert schema_structure(INTENT).problem(composition.answer(QUESTION).text) == ""
    composition.close()


def test_an_output_that_cannot_be_enforced_is_refused_before_the_model_is_loaded(tmp_path: Path) -> None:
    output = OutputFormat("json_schema", schema={"uniqueItems": True})

    with pytest.raises(UsageError, match="uniqueItems"):
        Composition(ResolvedVariant("x", str(tmp_path / "not-there.gguf"), output=output))


@pytest.mark.parametrize("gguf", [tiny_f32, stories_f32])
def test_the_mask_says_of_every_token_what_asking_says(gguf: Any) -> None:
    model = Model(gguf(), vocabulary_only=True)
    constraint = schema_structure(INTENT).grammar(Vocabulary.of(model)).start()

    for text in ('{"intent": ', '"scam"', ', "note":"ab"', "}"):
        mask = constraint.mask()
        assert [constraint.allows(token) for token in range(model.vocabulary_size)] == mask.tolist()
        for token in pieces(model, text):
            constraint.advance(token)
    assert constraint.is_finished()
    assert set(np.flatnonzero(constraint.mask())) == model.stop_ids
    model.close()


def pieces(model: Model, text: str) -> list[int]:
    """Tokens that say `text` byte for byte: a tokenizer may put a space before it."""
    known = {model.piece(token): token for token in range(model.vocabulary_size)}
    return [known[bytes([byte])] for byte in text.encode()]


@pytest.fixture(scope="module")
def tiny_chat() -> Iterator[Composition]:
    composition = Composition(ResolvedVariant("x", str(tiny_f32()), sampling=Sampling(max_tokens=200)))
    yield composition
    composition.close()


@pytest.mark.parametrize("choice", ["required", "lock_card"])
def test_a_tool_that_must_be_called_is_called_with_arguments_by_its_schema(
    tiny_chat: Composition, choice: str
) -> None:
    found = answer(tiny_chat, tools=[LOCK], tool_choice=choice, parallel_tool_calls=False)

    [call] = found.tool_calls
    assert call.name == "lock_card"
    assert call.arguments in ('{"reason": "lost"}', '{"reason": "stolen"}')
    assert found.text == ""


def test_tools_must_be_enforceable_and_the_named_one_there() -> None:
    loose = {"type": "function", "function": {"name": "f", "parameters": {"uniqueItems": True}}}

    with pytest.raises(UsageError, match="'f' cannot be enforced"):
        ToolSet([loose], "auto", DEFAULT)
    with pytest.raises(UsageError, match="No such tool"):
        ToolSet([LOCK], "unlock", DEFAULT)
    with pytest.raises(UsageError, match="no tool"):
        ToolSet([{"type": "retrieval"}], "auto", DEFAULT)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("You can lock it.", 0),
        ("<tool", 0),
        ('<tool_call>\n{"name": "lock_card", "arguments": {"reason": "lost"}}\n</tool_call>', 1),
    ],
)
def test_what_may_call_may_also_talk(text: str, calls: int) -> None:
    tools = ToolSet([LOCK], "auto", DEFAULT)

    assert tools.structure.follows(text)
    assert tools.problem(text) == ""
    assert len(tools.calls(text)) == calls


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>later",
        '<tool_call>\n{"name": "lock_card", "arguments": {}}\n</tool_call>',
        '<tool_call>\n{"name": "unlock", "arguments": {}}\n</tool_call>',
        '<tool_call>\n{"name": "lock_card", "arguments": {"reason": "lost"}}',
    ],
)
def test_what_begins_like_a_call_must_be_a_good_one(text: str) -> None:
    tools = ToolSet([LOCK], "auto", DEFAULT)

    assert not tools.structure.follows(text)
    assert tools.problem(text)
