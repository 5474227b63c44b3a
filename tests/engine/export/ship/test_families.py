"""On every family: the untouched export ships, and what a converter or a merge can do wrong is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from engine.export.ship.asked import Material
from engine.export.ship.check import ship_check
from engine.models.directory import ModelDirectory
from store.records.exports import ShipCheck
from tests.engine.export.ship.stage import HEADS, KEY_HEADS, Exported, material_of, planted
from tests.engine.export.test_merge import changed
from tests.engine.export.untrained import adapter_on

pytestmark = pytest.mark.training


def check(file: Path, base: Path, adapter: Path | None, material: Material) -> ShipCheck:
    return ship_check([(file, "f32")], ModelDirectory(base), adapter, material)[0]


def test_the_untouched_export_ships(exported: Exported) -> None:
    found = check(exported.file, exported.base, exported.adapter, material_of(exported.directory))
    assert (found.verdict, found.reasons) == ("SHIP", [])
    assert (found.token_ids_equal, found.greedy_agreement, found.top1_agreement) == (1.0, 1.0, 1.0)
    assert found.kl_mean is not None
    assert 0 < found.kl_mean < 1e-4
    assert found.positions == found.tokens > 100
    assert (found.suite_cases, found.suite_score, found.suite_reference) == (4, 1.0, 1.0)


def test_an_adapter_that_is_not_in_the_file_is_named(
    exported: Exported, few: Material, tmp_path: Path
) -> None:
    names = [exported.attention[0], exported.outputs[0]]
    another = adapter_on(exported.merged, tmp_path / "another", seed=2, target_modules=names)
    found = check(exported.file, exported.merged, another, few)
    assert found.verdict == "BLOCK"
    assert found.reasons[0].startswith("The adapter is not applied")


@pytest.mark.parametrize(("alpha", "word"), [(4, "twice as strong"), (16, "half as strong")])
def test_a_scale_that_is_off_by_two_is_named(
    alpha: int, word: str, exported: Exported, few: Material, tmp_path: Path
) -> None:
    other = changed(exported.adapter, tmp_path / "other", lora_alpha=alpha)  # the file has 8
    found = check(exported.file, exported.base, other, few)
    assert found.verdict == "BLOCK"
    assert found.reasons[0].startswith("The adapter's scale is off by 2")
    assert word in found.reasons[0]


def test_permuted_heads_are_named(exported: Exported, few: Material, tmp_path: Path) -> None:
    both = {"attn_q": HEADS, "attn_k": KEY_HEADS}
    joined = {"gpt2": 3 * HEADS, "phi3": HEADS + 2 * KEY_HEADS, "phi4": HEADS + 2 * KEY_HEADS}
    parts = {"attn_qkv": joined[exported.family]} if exported.family in joined else both
    rows = {f"blk.{layer}.{name}.weight": heads for layer in (0, 1) for name, heads in parts.items()}
    file = planted(exported.file, tmp_path / "m.gguf", permute=rows)
    found = check(file, exported.base, exported.adapter, few)
    assert found.verdict == "BLOCK"
    assert found.reasons[0].startswith("Heads are permuted")


def test_a_dropped_head_is_named(exported: Exported, few: Material, tmp_path: Path) -> None:
    base, file = exported.base, exported.file
    if exported.tied:  # has no head of its own: a model with one is what its file is not
        base = with_head(base, tmp_path / "untied")
    else:
        file = planted(file, tmp_path / "m.gguf", drop=["output.weight"])
    found = check(file, base, exported.adapter, few)
    assert found.verdict == "BLOCK"
    assert found.reasons[0].startswith("The output head (lm_head) was dropped")


def with_head(base: Path, folder: Path) -> Path:
    """A copy of a model with tied embeddings that has a head of its own: the embedding's rows, backwards."""
    shutil.copytree(base, folder)
    weights = load_file(folder / "model.safetensors")
    embedding = next(name for name in weights if name.endswith(("embed_tokens.weight", "wte.weight")))
    weights["lm_head.weight"] = weights[embedding].flip(0).contiguous()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": False}))
    return folder
