"""A cross-encoder through llama.cpp: the scores of Transformers, whatever else is scored beside."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.export.convert import to_gguf
from engine.inference.llama import Model
from engine.inference.reranker import Reranker, head_problem
from store.errors import UsageError
from tests.ggufs import TINY, tiny_f32

pytestmark = pytest.mark.training

QUERY = "lost phone"
TEXTS = ["the phone was lost", "a red ball in the park", "phone " * 30, "lost and found: a phone, a key"]
START, PAD, END = 0, 1, 2


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A random RoBERTa that scores pairs: its directory, with the tiny base's tokenizer, and the model."""
    from transformers import RobertaConfig, RobertaForSequenceClassification

    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(0)
    shape: dict[str, Any] = {
        "vocab_size": 4096,
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 128,
        "max_position_embeddings": 66,
        "type_vocab_size": 1,
        "num_labels": 1,
        "initializer_range": 0.3,
    }
    config = RobertaConfig(**shape, bos_token_id=START, pad_token_id=PAD, eos_token_id=END)
    model = RobertaForSequenceClassification(config).eval()
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(TINY / name, folder / name)
    return folder, model


@pytest.fixture(scope="module")
def reranker(encoder: tuple[Path, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reranker]:
    path = tmp_path_factory.mktemp("gguf") / "encoder.gguf"
    special: dict[str, str | int] = {
        "tokenizer.ggml.token_type_count": 1,
        "tokenizer.ggml.bos_token_id": START,
        "tokenizer.ggml.seperator_token_id": END,
    }
    to_gguf(encoder[0], path, "f32", metadata=special)
    with Reranker(path) as opened:
        yield opened


def test_scores_are_those_of_transformers(reranker: Reranker, encoder: tuple[Path, Any]) -> None:
    expected = []
    for text in TEXTS:
        ids, _ = reranker.pair(QUERY, text)
        with torch.no_grad():
            expected.append(float(encoder[1](torch.tensor([ids])).logits[0, 0]))
    # ggml looks GELU up in a table of float16
    assert np.abs(reranker.scores(QUERY, TEXTS) - np.array(expected)).max() < 0.01
    assert np.ptp(expected) > 0.5


def test_query_and_text_stand_behind_each_other(reranker: Reranker) -> None:
    model = Model(reranker.path, vocabulary_only=True)
    ids, whole = reranker.pair("lost", "phone")
    assert whole
    asked, said = model.tokenise("lost"), model.tokenise("phone")
    begins = [START] if model.adds_bos else []
    model.close()
    text = [token for token in ids if token not in (START, END)]
    assert text == [*asked, *said]
    assert ids[: len(begins) + len(asked)] == [*begins, *asked]


def test_a_score_does_not_depend_on_the_other_texts(reranker: Reranker) -> None:
    many = TEXTS * 20
    alone = np.concatenate([reranker.scores(QUERY, [text]) for text in TEXTS])
    assert np.abs(reranker.scores(QUERY, many) - np.tile(alone, 20)).max() < 1e-3


def test_a_text_longer_than_the_window_is_cut_and_named(reranker: Reranker) -> None:
    cut: list[int] = []
    scores = reranker.scores(QUERY, ["phone " * 300, "phone"], cut)
    assert cut == [0]
    assert np.isfinite(scores).all()


def test_no_texts_have_no_scores(reranker: Reranker) -> None:
    assert reranker.scores(QUERY, []).shape == (0,)


def test_a_model_that_scores_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="no cross-encoder"):
        Reranker(tiny_f32())


def test_a_bert_that_lost_its_pooler_is_refused() -> None:
    assert "lost a layer" in head_problem("bert", {"cls.output.weight"})
    assert head_problem("bert", {"cls.output.weight", "cls.weight"}) == ""
    assert head_problem("qwen3", {"cls.output.weight"}) == ""
