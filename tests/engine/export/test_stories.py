"""A real pretrained model: its float files write what it writes in Transformers, token by token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from engine.export.convert import FloatType, to_gguf
from engine.inference.llama import Context, Model
from engine.models.directory import ModelDirectory
from engine.models.tokenizer import load_tokenizer
from tests.ggufs import stories

TOKENS = 200

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def wanted() -> list[int]:
    """The likeliest tokens behind BOS, by Transformers in float32."""
    base = ModelDirectory(stories())
    model: Any = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32, local_files_only=True)
    begin = load_tokenizer(base.tokenizer_file).token_to_id(base.special_token("bos_token"))
    ids = model.generate(torch.tensor([[begin]]), max_new_tokens=TOKENS, do_sample=False, pad_token_id=0)
    found: list[int] = ids[0].tolist()
    assert len(found) == 1 + TOKENS
    return found


@pytest.mark.parametrize("kind", ["f32", "f16"])
def test_200_tokens_from_bos_on_are_those_of_transformers(
    kind: FloatType, wanted: list[int], tmp_path: Path
) -> None:
    model = Model(to_gguf(stories(), tmp_path / "stories.gguf", kind))
    context = Context(model, 2 * TOKENS)
    context.read(wanted[:1])
    got = wanted[:1]
    while len(got) <= TOKENS:
        got.append(int(context.logits.argmax()))
        context.append(got[-1])
    context.close()
    model.close()
    assert got == wanted
