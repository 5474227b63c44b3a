"""A run on three datasets, trained again and taken up again after all three have got newer versions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.data.importing import import_dataset
from engine.jobs import reproducing
from engine.jobs.train import TrainParams
from engine.training.curves import agreement, curve_of
from store import datasets, runs
from store.errors import RefusedError
from store.records.data import ImportOptions
from store.records.events import Evaluated
from store.records.recipe import Lora, Recipe
from store.runs import RunFolder, read_events
from store.workspace import Workspace
from tests.engine.jobs.conftest import make_workspace
from tests.workers import events_of, resume_here, run_here, stop_at

pytestmark = pytest.mark.training

NAMES = ("chats", "general", "judge")
RECIPE = Recipe(
    base="tiny",
    dataset="chats",
    replay_dataset="general",
    replay_share=0.25,
    eval_dataset="judge/all",
    eval_every=2,
    max_steps=5,
    batch_size=2,
    max_length=64,
    checkpoint_every=2,
    lora=Lora(rank=2, alpha=4, target="q_proj", dropout=0.1),
)


class Story(msgspec.Struct):
    """A workspace, a run that went through, and one that was stopped, before newer versions came."""

    workspace: Workspace
    whole: RunFolder
    cut: RunFolder


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    home = tmp_path_factory.mktemp("three")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPER_RUNTIME_DIR", str(home / "runtime"))
        workspace = make_workspace(home / "wallet")
        for name in NAMES[1:]:
            workspace.amend("datasets", name, {"source": f"data/{name}.jsonl"})
        for name in NAMES:
            lay_rows(workspace, name, "first")
        whole = run_here(workspace, "train", TrainParams(RECIPE), "whole")
        with stop_at(3):
            cut = run_here(workspace, "train", TrainParams(RECIPE), "to be stopped")
        for name in NAMES:
            source = lay_rows(workspace, name, "second")
            import_dataset(workspace.paths, source, name, ImportOptions())
        yield Story(workspace, whole, cut)


def lay_rows(workspace: Workspace, name: str, word: str) -> Path:
    """Eight rows of a dataset's source."""
    path = workspace.root / "data" / f"{name}.jsonl"
    rows = [{"prompt": f"{name} {n}", "completion": f"the {word} answer {n}"} for n in range(8)]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return path


def heldout(folder: RunFolder) -> dict[int, float]:
    return {event.step: event.loss for event in events_of(folder, Evaluated) if isinstance(event, Evaluated)}


def test_every_dataset_is_recorded_with_its_version_and_hash(story: Story) -> None:
    passport = reproducing.passport_of(story.whole)
    recipe = passport.recipe
    assert (recipe.dataset, recipe.replay_dataset, recipe.eval_dataset) == (
        "chats@1",
        "general@1",
        "judge@1/all",
    )
    assert passport.other_data == {
        "replay_dataset": datasets.load_info(story.workspace.paths, "general", 1).sha256,
        "eval_dataset": datasets.load_info(story.workspace.paths, "judge", 1).sha256,
    }


def test_a_run_is_trained_again_on_the_versions_of_then(story: Story) -> None:
    assert datasets.versions(story.workspace.paths, "judge") == [1, 2]
    again = reproducing.prepare(story.workspace, story.whole)
    second = run_here(story.workspace, "train", again.params, "again")
    both = [curve_of(read_events(folder.events)) for folder in (story.whole, second)]
    assert agreement(*both).verdict == "same"
    assert heldout(second) == pytest.approx(heldout(story.whole), abs=1e-6)


def test_a_stopped_run_goes_on_with_the_versions_that_it_began_with(story: Story) -> None:
    resume_here(story.cut)
    view = runs.view(story.cut)
    assert (view.state, view.error) == ("finished", None)
    curves = [runs.curve(read_events(folder.events)) for folder in (story.cut, story.whole)]
    assert [step.loss for step in curves[0]] == pytest.approx([step.loss for step in curves[1]], abs=1e-6)
    assert heldout(story.cut) == pytest.approx(heldout(story.whole), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "words"), [("general", "the replayed data"), ("judge", "the held-out data")]
)
def test_a_version_that_is_gone_is_named_and_refused(
    name: str, words: str, story: Story, tmp_path: Path
) -> None:
    place = datasets.version_folder(story.workspace.paths, name, 1)
    shutil.move(place, tmp_path / "aside")
    try:
        with pytest.raises(RefusedError) as refused:
            reproducing.prepare(story.workspace, story.whole)
    finally:
        shutil.move(tmp_path / "aside", place)
    assert refused.value.happened.startswith(f"{words}: {name} has no version 1")


def test_a_version_with_other_rows_is_named(story: Story) -> None:
    passport = reproducing.passport_of(story.whole)
    other = msgspec.structs.replace(passport, other_data={"replay_dataset": "another"})
    changed = reproducing.changed_data(story.workspace, reproducing.pinned(other), other)
    assert changed == ["the replayed data: general@1 has other rows"]


def test_a_dataset_that_is_named_and_not_used_is_neither_imported_nor_recorded(
    workspace: Workspace,
) -> None:
    workspace.amend("datasets", "general", {"source": "data/general.jsonl"})
    lay_rows(workspace, "general", "first")
    idle = msgspec.structs.replace(RECIPE, replay_share=0.0, eval_dataset="", eval_every=0)
    folder = run_here(workspace, "train", TrainParams(idle), "repeats nothing")
    assert reproducing.passport_of(folder).other_data == {}
    assert datasets.names(workspace.paths) == ["chats"]
