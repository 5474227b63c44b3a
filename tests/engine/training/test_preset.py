"""Every shipped recipe: read, checked, chosen for its size, and trained for a step."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.training import preset
from engine.training.recipe import load_recipe, over_preset
from engine.training.targets import span
from store.errors import UsageError
from store.records.recipe import Recipe
from tests.preferences import data_for

NAMES = preset.names()
OWN = ['base="micro"', 'dataset="micro"']


def read(name: str) -> Recipe:
    return load_recipe(None, OWN, name)


def test_there_is_one_for_every_size_and_method() -> None:
    kinds = ("qlora", "lora", "full", "dpo")
    assert set(NAMES) == {f"{size}-{kind}" for size, _ in preset.SIZES for kind in kinds}


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_a_whole_recipe_of_its_method(name: str) -> None:
    recipe = read(name)
    kind = name.partition("-")[2]
    assert kind in (recipe.method, recipe.objective)
    assert recipe.epochs


@pytest.mark.training
@pytest.mark.parametrize("name", NAMES)
def test_a_preset_trains(name: str, micro: Path, tmp_path: Path) -> None:
    from engine.models.directory import ModelDirectory
    from engine.training import session
    from tests.bases import Recorder

    recipe = read(name)
    layers = [part for part in recipe.freeze.split(",") if "-" in part and span(part).stop > 1]
    scaled = msgspec.structs.replace(
        recipe,
        max_steps=1,
        epochs=0.0,
        warmup_ratio=0.0,
        batch_size=2,
        gradient_accumulation=1,
        max_length=64,
        freeze=recipe.freeze.replace(",".join(layers), "0-0") if layers else recipe.freeze,
    )
    recorder = Recorder()
    session.train(
        ModelDirectory(micro), scaled, data_for(micro, scaled), recorder, tmp_path, tmp_path / "out"
    )
    assert len(recorder.losses) == 1
    assert list((tmp_path / "out").glob("*.safetensors"))


@pytest.mark.parametrize(
    ("parameters", "method", "objective", "name"),
    [
        (3_000_000, "", "", "tiny-qlora"),
        (1.1e9, "lora", "", "1b-lora"),
        (3.2e9, "full", "sft", "3b-full"),
        (8.03e9, "", "dpo", "8b-dpo"),
        (7e9, "lora", "kto", "8b-dpo"),
        (70e9, "", "", "14b-qlora"),
    ],
)
def test_the_size_of_the_base_chooses(parameters: int, method: str, objective: str, name: str) -> None:
    assert preset.choose(parameters, method, objective) == name


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="none") as refused:
        preset.read("8b-qlorra")
    assert "Did you mean '8b-qlora'?" in refused.value.happened


def test_steps_that_a_person_asks_for_take_the_place_of_the_presets_epochs() -> None:
    recipe = load_recipe(None, [*OWN, "max_steps=5"], "1b-lora")
    assert (recipe.max_steps, recipe.epochs) == (5, 0)


def test_a_table_keeps_what_nobody_wrote() -> None:
    merged = over_preset({"lora": {"rank": 8, "alpha": 16}}, {"lora": {"rank": 4}})
    assert merged == {"lora": {"rank": 4, "alpha": 16}}
