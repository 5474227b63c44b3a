"""A recipe being filled in, without a screen: what is shown, marked, asked, and put into the command."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from app.cli.train.asking import Asked as Typed
from app.cli.train.asking import read_recipe
from app.tui import training
from app.tui.recipe_form import FITTING, NO_PRESET, PRESET, RecipeForm
from engine.training.outlook import look
from engine.training.recipe import load_recipe
from engine.training.row_counts import RowCounts
from store.records.outlook import Outlook
from store.records.recipe import Recipe
from store.workspace import Workspace
from tests.app.tui.data_stage import lay_dataset
from tests.app.tui.train_stage import CARD


@pytest.fixture
def form() -> RecipeForm:
    return RecipeForm()


def answered(workspace: Workspace, form: RecipeForm) -> RecipeForm:
    """The form with the answer to what is typed."""
    form.hear(look(workspace, form.asked(), RowCounts(workspace, lambda: None), CARD))
    return form


def test_every_field_stands_in_one_section(form: RecipeForm) -> None:
    listed = [key for keys in form.sections().values() for key in keys]
    assert sorted(listed) == sorted(form.fields)
    assert {key for key in listed if "." not in key} >= set(Recipe.__struct_fields__) - {"lora"}


def test_a_field_shows_what_the_preset_says_until_something_is_typed(
    workspace: Workspace, form: RecipeForm
) -> None:
    form.put("base", "tiny")
    assert answered(workspace, form).text("lora.rank") == "32"
    form.put("lora.rank", "4")
    assert form.text("lora.rank") == "4"
    form.reset("lora.rank")
    assert form.text("lora.rank") == "32"


def test_only_what_differs_from_the_preset_is_marked(workspace: Workspace, form: RecipeForm) -> None:
    form.put("base", "tiny")
    answered(workspace, form)
    form.put("lora.alpha", "16")
    form.put("lora.rank", "32")
    form.put("learning_rate", "1e-3")
    assert [key for key in form.fields if form.differs(key)] == ["lora.alpha"]


def test_what_is_no_value_stays_as_it_was_typed(workspace: Workspace, form: RecipeForm) -> None:
    form.put("base", "tiny")
    form.put("lora.rank", "many")
    answered(workspace, form)
    assert form.text("lora.rank") == "many"
    assert len(form.problems_of("lora.rank")) == 1


def test_an_answer_to_an_older_question_does_not_settle_a_newer_one(form: RecipeForm) -> None:
    form.put("base", "tiny")
    form.hear(Outlook(number=form.number - 1))
    assert not form.current
    form.hear(Outlook(number=form.number))
    assert form.current
    form.hear(Outlook(number=form.number - 1, preset="late"))
    assert form.current


def test_the_preset_can_be_chosen_left_to_the_base_or_left_out(
    workspace: Workspace, form: RecipeForm
) -> None:
    form.put("base", "tiny")
    assert answered(workspace, form).text(PRESET) == "tiny-qlora"
    form.put(PRESET, "1b-lora")
    assert answered(workspace, form).text("method") == "lora"
    form.put(PRESET, NO_PRESET)
    assert answered(workspace, form).text(PRESET) == NO_PRESET
    form.put(PRESET, FITTING)
    assert answered(workspace, form).text(PRESET) == "tiny-qlora"


def test_fields_without_meaning_for_the_method_and_objective_are_known(
    workspace: Workspace, form: RecipeForm
) -> None:
    form.put("base", "tiny")
    answered(workspace, form)
    assert form.ignored("beta")
    assert form.ignored("freeze")
    assert not form.ignored("lora.rank")
    form.put("objective", "dpo")
    form.put("method", "full")
    assert not form.ignored("beta")
    assert form.ignored("desirable_weight")
    assert form.ignored("lora.rank")
    assert not form.ignored("freeze")


@pytest.mark.parametrize("saved", [False, True], ids=["typed", "on a file"])
def test_the_command_of_a_form_asks_for_the_same_recipe(
    workspace: Workspace, form: RecipeForm, saved: bool
) -> None:
    lay_dataset(workspace)
    if saved:
        text = 'base = "tiny"\ndataset = "support"\nmax_steps = 9\nmax_length = 256\n[lora]\nrank = 2\n'
        (workspace.root / "recipes" / "own.toml").write_text(text, encoding="utf-8")
        form.open("recipes/own.toml")
    form.put("base", "tiny")
    form.put("dataset", "support")
    form.put("lora.alpha", "7")
    form.put("freeze", "")
    answered(workspace, form)
    assert form.outlook.problems == []
    assert form.outlook.recipe is not None
    start = training.start_of(workspace, form, form.outlook.recipe)
    assert read_back(workspace, start.command) == form.outlook.recipe


def read_back(workspace: Workspace, command: str) -> Recipe:
    """What `temper train` makes of a command."""
    words = shlex.split(command)[2:]
    file = words.pop(0) if words and not words[0].startswith("--") else None
    options = dict(zip(words[::2], words[1::2], strict=True))
    overrides = tuple(value for key, value in zip(words[::2], words[1::2], strict=True) if key == "--set")
    base, dataset, method, objective, preset = (
        options.get(f"--{key}", "") for key in ("base", "dataset", "method", "objective", "preset")
    )
    path = workspace.root / file if file else None
    asked = Typed(file, base, dataset, method, objective, preset, overrides=overrides)
    return read_recipe(workspace, path, asked)


def test_a_saved_recipe_is_the_one_that_the_form_showed(workspace: Workspace) -> None:
    recipe = Recipe(base="tiny", dataset="support", max_steps=7)
    path = training.save(workspace, "mine", recipe)
    assert path == "recipes/mine.toml"
    assert load_recipe(workspace.root / path) == recipe


def test_what_can_be_named_is_offered_with_what_it_is(workspace: Workspace) -> None:
    lay_dataset(workspace, rows=9)
    (workspace.root / "prompts").mkdir()
    (workspace.root / "prompts" / "own.md").write_text("Be brief.", encoding="utf-8")
    found = training.choices_in(workspace)
    assert found.fields["base"] == [("tiny", "builtin:tiny")]
    assert found.fields["dataset"] == [("support", "9 rows, chat")]
    assert found.fields["prompt"] == [(str(Path("prompts/own.md")), "")]
    assert [path for path, _ in found.recipes] == ["recipes/support.toml"]
