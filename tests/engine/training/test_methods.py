"""What is trained of a model and what is not: shapes of adapters, frozen parts, runs that go on from runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from engine.data.rendering import Renderer
from engine.export.merge import merge
from engine.models.adapters import WEIGHTS
from engine.models.directory import ModelDirectory
from engine.training.data import TrainingData
from engine.training.reading import replayed
from store.records.events import Evaluated, Notice
from store.records.recipe import Lora
from tests.bases import EXAMPLES, micro_base, rows_of
from tests.engine.conftest import Trained, train_on
from tests.preferences import asked, data_for, run_on

pytestmark = pytest.mark.training


def adapted(run: Trained) -> set[str]:
    """The modules that carry an adapter, without the model's own prefix."""
    return {name.split("model.layers.")[1].split(".lora_")[0] for name in load_file(run.adapter / WEIGHTS)}


def settings(run: Trained) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run.adapter / "adapter_config.json").read_text(encoding="utf-8"))
    return found


ATTENTION = {f"{n}.self_attn.{kind}_proj" for n in (0, 1) for kind in "qkvo"}


@pytest.mark.parametrize(
    ("lora", "expected"),
    [
        (Lora(target="attention"), ATTENTION),
        (Lora(target="q_proj, v_proj"), {f"{n}.self_attn.{kind}_proj" for n in (0, 1) for kind in "qv"}),
        (Lora(target="attention", layers="1-1"), {one for one in ATTENTION if one.startswith("1")}),
        (Lora(target="down_proj", layers="0-0"), {"0.mlp.down_proj"}),
    ],
)
def test_an_adapter_stands_where_the_recipe_says(
    lora: Lora, expected: set[str], micro: Path, tmp_path: Path
) -> None:
    assert adapted(run_on(micro, tmp_path, max_steps=1, lora=lora)) == expected


def test_all_linear_layers_of_a_range_carry_an_adapter(micro: Path, tmp_path: Path) -> None:
    found = adapted(run_on(micro, tmp_path, max_steps=1, lora=Lora(layers="1-1")))
    assert len(found) == 7
    assert {one[0] for one in found} == {"1"}


@pytest.mark.parametrize(
    ("method", "lora"),
    [
        ("lora", Lora(rank=4, dora=True)),
        ("qlora", Lora(rank=4, dora=True)),
        ("qlora", Lora(rank=4, alpha=4, rslora=True)),
    ],
)
def test_dora_and_rslora_learn_and_merge_as_peft_merges_them(
    method: str, lora: Lora, micro: Path, tmp_path: Path
) -> None:
    run = run_on(micro, tmp_path, method=method, lora=lora)
    assert run.recorder.losses[-1] < 0.9 * run.recorder.losses[0]
    assert (settings(run)["use_dora"], settings(run)["use_rslora"]) == (lora.dora, lora.rslora)
    ours = load_file(merge(ModelDirectory(micro), run.adapter, tmp_path / "merged") / "model.safetensors")
    theirs = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(micro), run.adapter)
    merged: Any = theirs.merge_and_unload(safe_merge=True)
    for name, weight in merged.state_dict().items():
        if name in ours:
            assert torch.allclose(ours[name], weight, atol=1e-5), name


def test_what_is_frozen_stays_and_the_rest_is_trained(micro: Path, tmp_path: Path) -> None:
    run = run_on(micro, tmp_path, method="full", max_steps=2, freeze="embeddings,0-0")
    before, after = load_file(micro / "model.safetensors"), load_file(run.adapter / "model.safetensors")
    same = {name for name in before if torch.equal(before[name], after[name])}
    frozen = {name for name in before if ".layers.0." in name or "embed_tokens" in name}
    assert same == frozen


def test_a_model_is_left_in_the_type_of_its_base(tmp_path: Path) -> None:
    base = micro_base(tmp_path / "base", dtype="bfloat16")
    run = run_on(base, tmp_path, method="full", max_steps=1)
    assert {one.dtype for one in load_file(run.adapter / "model.safetensors").values()} == {torch.bfloat16}


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_an_earlier_adapter_is_trained_further_from_exactly_where_it_was(
    method: str, micro: Path, tmp_path: Path
) -> None:
    first = run_on(micro, tmp_path / "a", method=method, max_steps=8, seed=1)
    measured = run_on(micro, tmp_path / "b", start=first.adapter, method=method, max_steps=1)
    rest = run_on(micro, tmp_path / "c", method=method, max_steps=9, seed=1)
    assert measured.recorder.losses[0] == pytest.approx(rest.recorder.losses[8], abs=1e-5)
    assert settings(measured)["r"] == settings(first)["r"]


def test_a_preference_run_on_an_earlier_adapter_leaves_one_adapter(micro: Path, tmp_path: Path) -> None:
    first = run_on(micro, tmp_path / "a", max_steps=2)
    run = run_on(micro, tmp_path / "b", start=first.adapter, objective="dpo", max_steps=2, checkpoint_every=2)
    saved = [run.adapter, run.run_folder / "artifacts" / "checkpoints" / "checkpoint-2"]
    assert all((folder / WEIGHTS).is_file() and not (folder / "ref").exists() for folder in saved)
    assert run.recorder.losses[-1] < run.recorder.losses[0]


@pytest.mark.parametrize("reference", ["start", "base"])
def test_the_reference_of_an_earlier_adapter_is_what_the_recipe_says(
    reference: str, micro: Path, tmp_path: Path
) -> None:
    first = run_on(micro, tmp_path / "a", objective="dpo")
    run = run_on(
        micro, tmp_path / "b", start=first.adapter, objective="dpo", reference=reference, max_steps=1
    )
    margin = run.result.metrics["reward_margin"]
    assert margin == pytest.approx(0, abs=1e-5) if reference == "start" else margin > 0.5


def test_label_smoothing_is_that_of_torch_with_and_without_our_loss_head(micro: Path, tmp_path: Path) -> None:
    rows = rows_of(micro)
    model = AutoModelForCausalLM.from_pretrained(micro)
    total, count = 0.0, 0
    for row in rows:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([row.input_ids])).logits[0, :-1]
        labels = torch.tensor(row.labels[1:])
        total += float(
            torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.2, reduction="sum")
        )
        count += row.trained
    for method in ("lora", "full"):
        run = run_on(micro, tmp_path / method, method=method, max_steps=1, label_smoothing=0.2)
        assert run.recorder.losses[0] == pytest.approx(total / count, rel=1e-4)


def test_noise_on_embeddings_changes_what_is_learned_and_pads_rows(micro: Path, tmp_path: Path) -> None:
    plain = run_on(micro, tmp_path / "a", max_steps=2)
    noisy = run_on(micro, tmp_path / "b", max_steps=2, neftune_alpha=10.0)
    assert (plain.result.packed, noisy.result.packed) == (True, False)
    assert abs(plain.recorder.losses[0] - noisy.recorder.losses[0]) > 1e-3


def opposed(base: Path) -> TrainingData:
    """Rows to train on, held-out rows that say otherwise: learning soon makes these less likely."""
    rows, others = rows_of(base), data_for(base, asked(objective="dpo")).rejected
    return TrainingData(rows, heldout=TrainingData(others))


def test_the_weights_with_the_lowest_held_out_loss_are_the_result(micro: Path, tmp_path: Path) -> None:
    run = run_on(micro, tmp_path / "long", opposed(micro), max_steps=24, eval_every=4, learning_rate=1e-2)
    told = [event for event in run.recorder.events if isinstance(event, Evaluated)]
    best = min(told, key=lambda event: event.loss)
    assert (run.result.best_step, run.result.heldout_loss) == (best.step, best.loss)
    assert best.step < 24
    short = run_on(
        micro,
        tmp_path / "short",
        opposed(micro),
        max_steps=best.step,
        learning_rate=1e-2,
        schedule="constant",
    )
    left, right = load_file(run.adapter / WEIGHTS), load_file(short.adapter / WEIGHTS)
    assert all(torch.allclose(left[name], right[name], atol=1e-6) for name in left)


def test_a_run_ends_when_patience_runs_out(micro: Path, tmp_path: Path) -> None:
    run = run_on(micro, tmp_path, opposed(micro), max_steps=60, eval_every=2, patience=2, learning_rate=2e-2)
    assert run.result.ended_early
    assert not run.result.stopped
    assert run.result.steps < 60
    assert any(isinstance(event, Notice) and event.title == "Ended early" for event in run.recorder.events)


def test_general_rows_are_mixed_in_by_their_share(micro: Path) -> None:
    renderer = Renderer(ModelDirectory(micro), "", "")
    rows = replayed(renderer, EXAMPLES * 5, own=30, recipe=asked(replay_share=0.25))
    assert len(rows) == 10
    again = replayed(renderer, EXAMPLES * 5, own=30, recipe=asked(replay_share=0.25))
    assert [row.input_ids for row in rows] == [row.input_ids for row in again]


def test_packing_changes_no_loss_of_full_fine_tuning(micro: Path, tmp_path: Path) -> None:
    losses = [
        train_on(micro, tmp_path / str(packing), method="full", max_steps=3, packing=packing).recorder.losses
        for packing in (True, False)
    ]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
