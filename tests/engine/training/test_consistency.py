"""Recipes that contradict themselves, their base or their data are refused before anything is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.data.importing import import_dataset
from engine.models import adapters
from engine.models.locate import locate_model
from engine.models.variants import describe
from engine.training import preflight
from store.errors import TemperError, UsageError
from store.records.data import ImportOptions
from store.records.recipe import Lora, Recipe
from store.workspace import Workspace
from tests.engine.models.conftest import lay_run, passport

PAIR = {"prompt": "Where is it?", "chosen": "There.", "rejected": "Nowhere."}
CHAT = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}
SETTINGS = '[models.tiny]\npath = "builtin:tiny"\n'


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with a dataset of chats, one of pairs and one of texts."""
    (tmp_path / "temper.toml").write_text(SETTINGS, encoding="utf-8")
    opened = Workspace(tmp_path)
    for name, row in (("chats", CHAT), ("pairs", PAIR), ("texts", {"text": "Once there was a card."})):
        source = tmp_path / f"{name}.jsonl"
        source.write_text("\n".join([json.dumps(row)] * 2), encoding="utf-8")
        import_dataset(opened.paths, source, name, ImportOptions())
    return opened


def refused(workspace: Workspace, **changes: Any) -> TemperError:
    wanted = msgspec.structs.replace(Recipe(base="tiny", dataset="chats", max_length=64), **changes)
    with pytest.raises(TemperError) as caught:
        preflight.check(workspace, wanted)
    return caught.value


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"objective": "dpo"}, "chats does not fit the objective dpo"),
        ({"objective": "kto"}, "chats does not fit the objective kto"),
        ({"objective": "orpo"}, "chats does not fit the objective orpo"),
        ({"objective": "text"}, "chats does not fit the objective text"),
        ({"dataset": "texts"}, "texts does not fit the objective sft"),
        ({"eval_dataset": "texts", "eval_every": 5}, "texts does not fit the objective sft"),
        ({"eval_every": 5}, "There are no rows to measure on"),
        ({"patience": 2}, "Nothing is measured that patience could wait for"),
        ({"objective": "kto", "dataset": "pairs", "batch_size": 1}, "kto needs two rows in a forward pass"),
        ({"objective": "dpo", "dataset": "pairs", "dpo_loss": "exo_pair"}, "exo_pair needs label smoothing"),
        ({"objective": "dpo", "dataset": "pairs", "replay_dataset": "chats"}, "Replay is for sft and text"),
        ({"freeze": "0-1"}, "freeze is for full fine-tuning"),
        ({"method": "full", "freeze": "0-900"}, "The base has no such layers"),
        ({"lora": Lora(layers="5-2")}, "The base has no such layers"),
        ({"lora": Lora(target="lm_head")}, "An adapter cannot stand on embeddings or head"),
        ({"lora": Lora(target="c_attn")}, "The base has no such matrices"),
        ({"init_from": "nobody"}, "No such run"),
    ],
)
def test_what_cannot_go_together_is_named(workspace: Workspace, changes: dict[str, Any], title: str) -> None:
    error = refused(workspace, **changes)
    assert title in error.title or title in error.happened
    assert error.remedy


def test_all_that_stands_against_a_run_is_listed_at_once(workspace: Workspace) -> None:
    error = refused(
        workspace,
        objective="dpo",
        patience=1,
        lora=Lora(target="c_attn", layers=""),
        replay_dataset="nothing",
    )
    assert error.title == "5 things stand against this run"
    for part in ("does not fit", "patience", "c_attn", "Replay", "No dataset is called 'nothing'"):
        assert part in error.happened


def test_every_layer_frozen_leaves_nothing_to_train(workspace: Workspace) -> None:
    layers = json.loads((locate_model(workspace, "tiny") / "config.json").read_text())["num_hidden_layers"]
    error = refused(workspace, method="full", freeze=f"embeddings,0-{layers - 1}")
    assert error.title == "No layer is left to train"


def test_an_adapter_of_another_base_is_not_gone_on_from(workspace: Workspace) -> None:
    lay_run(workspace, "brave-fox")  # its passport names another fingerprint than the base's
    assert refused(workspace, init_from="brave-fox").title == "The adapter was made for another base"


def test_pairs_fit_every_objective_that_compares(workspace: Workspace) -> None:
    for objective in ("dpo", "orpo", "kto"):
        preflight.check(
            workspace, Recipe(base="tiny", dataset="pairs", objective=objective, max_length=64, batch_size=2)
        )


def test_a_model_that_a_run_trained_is_named_by_its_run(workspace: Workspace, tmp_path: Path) -> None:
    run = lay_run(workspace, "brave-fox")
    made = adapters.model_folder(run.path)
    adapters.adapter_folder(run.path).rename(made)
    for file in locate_model(workspace, "tiny").iterdir():
        if file.is_file():
            (made / file.name).write_bytes(file.read_bytes())
    (made / adapters.PASSPORT).write_bytes(msgspec.json.encode(passport("brave-fox")))
    parts = describe(workspace, "brave-fox")
    assert (parts.model, parts.adapter, parts.system) == (made, None, "Trained so.")
    assert locate_model(workspace, "brave-fox") == made
    assert preflight.check(workspace, Recipe(base="brave-fox", dataset="chats", max_length=64)).path == made
    with pytest.raises(UsageError, match="trained a model, not an adapter"):
        adapters.find_adapter(workspace, "brave-fox")
