"""One pass gives the file of the three steps: every tensor's name, type, shape and bytes, all metadata."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.export.onepass.export import ARCHITECTURES, export_once
from engine.export.onepass.probe import OutsideOnePassError
from engine.inference.llama import Model
from engine.models.directory import ModelDirectory
from scripts.benchmarks.g5_gate import differences
from store.errors import TemperError, UsageError
from tests.bases import altered
from tests.engine.export.onepass.same import FAMILIES, METADATA, NAME, family, three_steps
from tests.engine.export.untrained import adapter_on

KINDS = ["q8_0", "q4_k_m", "q6_k"]


def one_pass(base: Path, adapter: Path | None, kinds: list[str], folder: Path) -> dict[str, Path]:
    folder.mkdir(exist_ok=True)
    outs = {kind: folder / f"one-{kind}.gguf" for kind in kinds}
    export_once(ModelDirectory(base), adapter, outs, NAME, metadata=METADATA)
    assert sorted(folder.iterdir()) == sorted(outs.values())  # nothing else is left
    return outs


def test_every_architecture_has_a_test() -> None:
    assert set(FAMILIES) == set(ARCHITECTURES)


@pytest.mark.parametrize("kind", FAMILIES.values())
def test_the_file_is_that_of_the_three_steps_for_every_architecture(kind: str, tmp_path: Path) -> None:
    base = family(tmp_path / "base", kind)
    adapter = adapter_on(base, tmp_path / "adapter", target_modules="all-linear")
    wanted = three_steps(base, adapter, KINDS, tmp_path)
    made = one_pass(base, adapter, KINDS, tmp_path / "out")
    assert {name: differences(made[name], file) for name, file in wanted.items()} == {
        name: [] for name in KINDS
    }


@pytest.mark.parametrize(("dtype", "native"), [("float32", "f32"), ("float16", "f16"), ("bfloat16", "bf16")])
def test_the_bases_own_type_needs_no_quantiser(dtype: str, native: str, tmp_path: Path) -> None:
    base = family(tmp_path / "base", "llama", dtype)
    adapter = adapter_on(base, tmp_path / "adapter")
    wanted = three_steps(base, adapter, [native, "q4_0"], tmp_path)
    made = one_pass(base, adapter, [native, "q4_0"], tmp_path / "out")
    assert differences(made[native], wanted[native]) == []
    assert differences(made["q4_0"], wanted["q4_0"]) == []


def test_a_model_without_an_adapter_is_exported_too(tmp_path: Path) -> None:
    base = family(tmp_path / "base", "llama", tie_word_embeddings=True)
    (base / "README.md").write_text("---\nlicense: mit\n---\nA model.\n", encoding="utf-8")
    wanted = three_steps(base, None, ["q8_0"], tmp_path)
    assert differences(one_pass(base, None, ["q8_0"], tmp_path / "out")["q8_0"], wanted["q8_0"]) == []


def test_a_head_that_the_adapter_unties_is_in_the_file(tmp_path: Path) -> None:
    base = family(tmp_path / "base", "qwen2", tie_word_embeddings=True)
    adapter = adapter_on(base, tmp_path / "adapter", target_modules=["q_proj"], modules_to_save=["lm_head"])
    wanted = three_steps(base, adapter, ["q8_0"], tmp_path)
    made = one_pass(base, adapter, ["q8_0"], tmp_path / "out")
    assert differences(made["q8_0"], wanted["q8_0"]) == []
    model = Model(made["q8_0"])
    assert model.metadata["temper.origin"] == "0123"
    model.close()


def test_an_architecture_or_a_type_that_it_does_not_know_is_left_to_the_three_steps(tmp_path: Path) -> None:
    base = family(tmp_path / "base", "llama")
    out = {"q8_0": tmp_path / "out.gguf"}
    stranger = altered(base, tmp_path / "stranger", "config.json", architectures=["GPT2LMHeadModel"])
    with pytest.raises(OutsideOnePassError, match="GPT2LMHeadModel"):
        export_once(ModelDirectory(stranger), None, out, NAME)
    for kind in ("f16", "iq4_xs"):
        with pytest.raises(OutsideOnePassError, match=kind):
            export_once(ModelDirectory(base), None, {kind: out["q8_0"]}, NAME)
    assert not out["q8_0"].exists()


def test_numbers_that_would_be_rounded_twice_are_left_to_the_three_steps(tmp_path: Path) -> None:
    base = family(tmp_path / "base", "llama", "float32")
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    (base / "config.json").write_text(json.dumps(config | {"dtype": "bfloat16"}), encoding="utf-8")
    with pytest.raises(OutsideOnePassError, match=r"\(F32\) goes into"):
        export_once(ModelDirectory(base), None, {"q8_0": tmp_path / "out.gguf"}, NAME)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["base"]


def test_an_adapter_of_another_base_is_refused_and_nothing_left(tmp_path: Path) -> None:
    base = family(tmp_path / "base", "llama")
    other = family(tmp_path / "other", "llama", intermediate_size=256)
    adapter = adapter_on(other, tmp_path / "adapter")
    (tmp_path / "out").mkdir()
    with pytest.raises(UsageError, match="made for another base"):
        export_once(ModelDirectory(base), adapter, {"q8_0": tmp_path / "out" / "o.gguf"}, NAME)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_weight_that_is_no_number_is_refused_as_by_the_quantiser(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    base = family(tmp_path / "base", "llama")
    weights = load_file(base / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"][5, 7] = torch.nan
    save_file(weights, base / "model.safetensors", {"format": "pt"})
    (tmp_path / "out").mkdir()
    with pytest.raises(TemperError, match="Quantising to q8_0 failed"):
        three_steps(base, None, ["q8_0"], tmp_path)
    with pytest.raises(TemperError, match="cannot be quantised"):
        export_once(ModelDirectory(base), None, {"q8_0": tmp_path / "out" / "o.gguf"}, NAME)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_advance_raises_stops_the_work_and_leaves_nothing(tmp_path: Path) -> None:
    base = family(tmp_path / "base", "llama")

    class StoppedError(Exception):
        pass

    def stop(written: int) -> None:
        if written:
            raise StoppedError

    (tmp_path / "out").mkdir()
    with pytest.raises(StoppedError):
        export_once(ModelDirectory(base), None, {"q8_0": tmp_path / "out" / "o.gguf"}, NAME, stop)
    assert list((tmp_path / "out").iterdir()) == []
