"""Importance: what llama.cpp's products are fed, measured; the smallest types are made with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, MixtralConfig, MixtralForCausalLM

from engine.export import importance, quantise
from engine.export.convert import to_gguf
from engine.export.importance import Importance, measure
from engine.inference.llama import Context, Model
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from store.errors import TemperError, UsageError
from tests.engine.export.wide import save_with_tokenizer, wide_base
from tests.ggufs import TINY, tiny_f32

pytestmark = pytest.mark.training

TEXTS = [list(range(40, 80)), list(range(200, 260)), [90]]


def squares(folder: Path, suffix: str) -> np.ndarray[Any, Any]:
    """The mean squared input [in] of a layer over TEXTS, by Transformers."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    seen: list[torch.Tensor] = []
    module = model.get_submodule(suffix)
    module.register_forward_pre_hook(lambda _, given: seen.append(given[0].reshape(-1, given[0].shape[-1])))
    with torch.no_grad():
        for text in TEXTS:
            model(input_ids=torch.tensor([text]))
    return torch.cat(seen).double().square().mean(dim=0).numpy()


@pytest.fixture(scope="module")
def tiny_importance() -> Importance:
    return measure(tiny_f32(), TEXTS)


@pytest.mark.parametrize(
    ("module", "tensor"),
    [
        ("model.layers.0.self_attn.q_proj", "blk.0.attn_q.weight"),
        ("model.layers.1.mlp.down_proj", "blk.1.ffn_down.weight"),
        ("model.layers.3.mlp.up_proj", "blk.3.ffn_up.weight"),
    ],
)
def test_it_is_the_mean_squared_input_of_the_layer(
    module: str, tensor: str, tiny_importance: Importance
) -> None:
    np.testing.assert_allclose(tiny_importance[tensor], squares(TINY, module), rtol=0.02, atol=1e-7)


def test_every_matrix_of_every_layer_is_measured(tiny_importance: Importance) -> None:
    layers = ModelDirectory(TINY).config["num_hidden_layers"]
    inner = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    wanted = {f"blk.{layer}.{name}.weight" for layer in range(layers) for name in inner}
    assert wanted <= tiny_importance.keys()


def test_experts_are_measured_each_on_its_own_tokens(tmp_path: Path) -> None:
    torch.manual_seed(2)
    shape: dict[str, Any] = {
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 1,
        "num_local_experts": 4,
    }
    vocabulary = ModelDirectory(builtin_directory("tiny")).config["vocab_size"]
    config = MixtralConfig(
        vocab_size=vocabulary, num_attention_heads=4, num_key_value_heads=2, bos_token_id=None, **shape
    )
    model = MixtralForCausalLM(config)
    save_with_tokenizer(model, tmp_path / "moe")
    found = measure(to_gguf(tmp_path / "moe", tmp_path / "moe.gguf"), TEXTS)
    by_expert = found["blk.0.ffn_gate_exps.weight"].reshape(4, 64)
    gate = squares(tmp_path / "moe", "model.layers.0.mlp.gate")
    assert not np.allclose(by_expert[0], by_expert[1], rtol=0.01)
    assert by_expert.min(axis=0).max() < gate.max() < by_expert.max()


def test_no_more_tokens_are_read_than_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "TOKENS", 50)
    heard: list[int] = []
    measure(tiny_f32(), TEXTS, heard.append)
    assert heard == [40, 50]


def test_without_a_text_there_is_no_importance() -> None:
    with pytest.raises(UsageError, match="no text to measure"):
        measure(tiny_f32(), [[], []])


def test_what_advance_raises_comes_out() -> None:
    def stop(done: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        measure(tiny_f32(), TEXTS, stop)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF with rows of 256 and more, which every type's blocks divide."""
    folder = tmp_path_factory.mktemp("wide")
    return to_gguf(wide_base(folder / "base"), folder / "wide.gguf")


@pytest.fixture(scope="module")
def wide_importance(wide: Path) -> Importance:
    return measure(wide, TEXTS)


@pytest.mark.parametrize("kind", quantise.IMPORTANCE_TYPES)
def test_every_importance_type_is_made_and_answers(
    kind: str, wide: Path, wide_importance: Importance, tmp_path: Path
) -> None:
    file = quantise.quantise(wide, tmp_path / f"{kind}.gguf", kind, importance=wide_importance)
    assert quantise.fallbacks(file, kind) == []
    estimate = quantise.expected_bytes(ModelDirectory(wide.parent / "base").parameters, kind)
    assert 0.7 * estimate < file.stat().st_size < 2 * estimate
    model = Model(file)
    context = Context(model, 64)
    context.read(TEXTS[0])
    assert np.isfinite(context.logits).all()
    context.close()
    model.close()


@pytest.mark.parametrize("kind", quantise.IMPORTANCE_TYPES)
def test_without_importance_such_a_type_is_refused(kind: str, wide: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs an importance matrix"):
        quantise.quantise(wide, tmp_path / "x.gguf", kind)
    assert list(tmp_path.iterdir()) == []


def weighed_error(file: Path, exact: Path, feeds: Sequence[Sequence[int]]) -> float:
    """The mean squared difference of two files' logits over texts."""
    said = []
    for one in (file, exact):
        model = Model(one)
        context = Context(model, 128)
        rows = []
        for text in feeds:
            context.read(text)
            rows.append(context.logits.copy())
        said.append(np.stack(rows))
        context.close()
        model.close()
    return float(np.square(said[0] - said[1]).mean())


def test_columns_that_matter_are_rounded_less(
    wide: Path, wide_importance: Importance, tmp_path: Path
) -> None:
    flat = {name: np.ones_like(values) for name, values in wide_importance.items()}
    mine, same = (
        quantise.quantise(wide, tmp_path / f"{at}.gguf", "iq2_xs", importance=one)
        for at, one in enumerate((wide_importance, flat))
    )
    assert weighed_error(mine, wide, TEXTS) < 0.9 * weighed_error(same, wide, TEXTS)


def test_another_layout_of_tensors_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(importance._Tensor):  # what a later llama.cpp might have
        @property
        def name(self) -> bytes:
            return b"elsewhere"

    monkeypatch.setattr(importance, "_Tensor", Other)
    with pytest.raises(TemperError, match="laid out in another way"):
        measure(tiny_f32(), TEXTS)
