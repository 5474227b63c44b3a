"""Which rows a run is tried on: the same ones every time, as many as the run is long, pairs kept together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.data.ensure import ensure_dataset
from engine.data.rendering import Row
from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from engine.training.data import TrainingData
from engine.training.preflight import check
from engine.training.reading import read_data, renderer_of
from engine.training.trial_rows import (
    COMPARED_TOKENS,
    LEAST_TOKENS,
    MOST_TOKENS,
    add_trial,
    digest,
    drawn,
    general_set,
    pairs_of,
    shipped,
)
from store.errors import UsageError
from store.records.recipe import Recipe
from store.workspace import Workspace

SETTINGS = """
[models.tiny]
path = "builtin:tiny"
[datasets.chats]
source = "data/chats.jsonl"
heldout = 0.5
[datasets.plain]
source = "data/chats.jsonl"
[datasets.talk]
source = "data/talk.jsonl"
"""
TINY = ModelDirectory(builtin_directory("tiny"))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A dataset with half of its rows held out, the same one without, and one that is not about it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "temper.toml").write_text(SETTINGS, encoding="utf-8")
    for name, word in (("chats", "say"), ("talk", "tell me about")):
        rows = [{"prompt": f"{word} {n}", "completion": f"it is number {n}"} for n in range(400)]
        text = "\n".join(map(json.dumps, rows)) + "\n"
        (tmp_path / "data" / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return Workspace(tmp_path)


def data_of(workspace: Workspace, **changes: Any) -> TrainingData:
    """What a run is given, `add_trial` included."""
    asked: dict[str, Any] = {"base": "tiny", "dataset": "chats", "max_length": 64} | changes
    recipe = Recipe(**asked)
    base = check(workspace, recipe)
    ensure_dataset(workspace, recipe.dataset)
    renderer = renderer_of(workspace, base, recipe)
    data, _ = read_data(workspace, renderer, recipe)
    add_trial(workspace, base, renderer, recipe, data)
    return data


def tokens(rows: list[Row]) -> int:
    return sum(len(row.input_ids) for row in rows)


def numbered(*lengths: int) -> list[Row]:
    return [Row([at] * length, [at] * length, at) for at, length in enumerate(lengths)]


def test_held_out_rows_are_tried_though_nobody_evaluates_on_them(workspace: Workspace) -> None:
    data = data_of(workspace, eval_every=0)
    assert data.heldout is None
    assert data.tried is not None
    assert data.tried_of == 200
    trained = {row.line for row in data.rows}
    assert not trained & {row.line for row in data.tried.rows}
    assert data.compared_from == "held-out rows"


def test_a_dataset_without_held_out_rows_is_tried_on_the_general_set_alone(workspace: Workspace) -> None:
    data = data_of(workspace, dataset="plain")
    assert data.tried is None
    assert data.general is not None
    assert data.compared_from.startswith("training rows")


@pytest.mark.parametrize(("steps", "bound"), [(1, LEAST_TOKENS), (100_000, MOST_TOKENS)])
def test_as_many_rows_are_tried_as_the_run_is_long(workspace: Workspace, steps: int, bound: int) -> None:
    tried = data_of(workspace, max_steps=steps).tried
    assert tried is not None
    assert tokens(tried.rows) <= bound
    assert tokens(tried.rows) > bound - 64 or len(tried.rows) == 200


def test_what_four_bits_cost_is_compared_on_the_same_rows_however_long_the_run(workspace: Workspace) -> None:
    short, long = data_of(workspace, max_steps=1), data_of(workspace, max_steps=10_000, eval_every=10)
    assert digest(short.compared) == digest(long.compared)
    assert tokens(short.compared) <= COMPARED_TOKENS


def test_rows_are_drawn_alike_every_time_and_stay_in_order() -> None:
    whole = TrainingData(numbered(*[10] * 50))
    one, other = drawn(whole, 100), drawn(whole, 100)
    assert [row.line for row in one.rows] == [row.line for row in other.rows]
    assert [row.line for row in one.rows] == sorted(row.line for row in one.rows)
    assert len(one.rows) == 10
    assert len(drawn(whole, 1).rows) == 1


def test_a_row_is_drawn_or_not_whatever_other_rows_there_are() -> None:
    rows = numbered(*[10] * 400)
    few = drawn(TrainingData(rows), 100)
    lines = {row.line for row in few.rows}
    halved = [row for row in rows if row.line in lines or row.line % 2]
    assert {row.line for row in drawn(TrainingData(halved), 100).rows} == lines


def test_the_endings_of_a_preference_are_drawn_together() -> None:
    rows = [Row([0] * 10, [0] * 10, line) for line in range(20) for _ in range(2)]
    found = drawn(TrainingData(rows, desirable=[True, False] * 20), 100)
    wanted, others = pairs_of(found)
    assert [row.line for row in wanted] == [row.line for row in others]
    assert len(wanted) == 5


def test_answers_that_stand_alone_are_no_pairs() -> None:
    wanted, others = pairs_of(TrainingData(numbered(3, 3, 3), desirable=[True, False, True]))
    assert [row.line for row in wanted] == [0, 2]
    assert others == []


def test_the_general_set_that_ships_has_rows_of_several_kinds_that_the_embedded_base_can_be_asked(
    workspace: Workspace,
) -> None:
    found = general_set(workspace, TINY, Recipe(max_length=512))
    assert found is not None
    assert len(found.rows) == len(list(shipped())) >= 36
    assert {"instruction", "arithmetic", "question", "language", "json", "text"} == set(found.kinds)
    assert min(found.kinds.count(kind) for kind in set(found.kinds)) >= 6
    assert all(row.trained for row in found.rows)


def test_every_json_answer_of_the_general_set_is_json() -> None:
    answers = [example.messages[-1].content for kind, example in shipped() if kind == "json"]
    assert all(json.loads(answer) is not None for answer in answers)


def test_a_base_without_a_chat_template_is_tried_on_texts(workspace: Workspace) -> None:
    folder = workspace.root / "base"
    folder.mkdir()
    for file in TINY.path.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    del config["chat_template"]
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    found = general_set(workspace, ModelDirectory(folder), Recipe(objective="text"))
    assert found is not None
    assert set(found.kinds) == {"text"}


def test_a_dataset_of_ones_own_takes_the_place_of_the_general_set(workspace: Workspace) -> None:
    data = data_of(workspace, general="talk")
    assert data.general is not None
    assert set(data.general.kinds) == {"talk"}
    assert data_of(workspace, general="").general is None


def test_a_general_dataset_that_is_not_there_is_refused_before_the_run(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="takl"):
        check(workspace, Recipe(base="tiny", dataset="chats", max_length=64, general="takl"))
