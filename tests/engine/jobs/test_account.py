"""A real training run by its worker's entry: what it leaves to be read, and what its result says of it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from engine.jobs.train import TrainParams
from engine.training.dry_run import look_ahead
from engine.training.preflight import check
from store import runs
from store.records.batch import FirstBatch, Samples
from store.records.events import Evaluated, Notice
from store.records.outcome import Outcome, QuantisationCost
from store.records.recipe import Lora, Recipe
from store.runs import RunFolder
from store.workspace import Workspace
from tests.engine.jobs.conftest import SETTINGS, make_workspace
from tests.workers import events_of, run_here

pytestmark = pytest.mark.training

RECIPE = Recipe(
    base="tiny",
    dataset="chats/train",
    max_steps=4,
    batch_size=4,
    max_length=64,
    eval_every=2,
    learning_rate=1e-3,
    checkpoint_every=2,
    lora=Lora(rank=2, alpha=4, target="q_proj"),
)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, RunFolder]:
    home = tmp_path_factory.mktemp("account")
    workspace = make_workspace(home / "wallet")
    (workspace.root / "temper.toml").write_text(SETTINGS + "heldout = 0.4\n", encoding="utf-8")
    rows = [{"prompt": f"say {n}", "completion": f"it is {n}"} for n in range(20)]
    text = "\n".join(map(json.dumps, rows)) + "\n"
    (workspace.root / "data" / "chats.jsonl").write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPER_RUNTIME_DIR", str(home / "runtime"))
        return workspace, run_here(workspace, "train", TrainParams(RECIPE), "a run with an account")


def test_the_first_batch_and_the_samples_are_artifacts_of_the_run(
    ended: tuple[Workspace, RunFolder],
) -> None:
    view = runs.view(ended[1])
    assert view.state == "finished", view.error
    paths = {one.type: ended[1].path / one.path for one in view.artifacts}
    batch = msgspec.json.decode(paths["first_batch"].read_bytes(), type=FirstBatch)
    samples = msgspec.json.decode(paths["samples"].read_bytes(), type=Samples)
    assert len(batch.rows) == 4
    assert {row.line for row in batch.rows}.isdisjoint(one.line for one in samples.best + samples.worst)
    assert samples.held_out == samples.rows == 8


def test_the_result_says_what_was_gained_and_lost_and_what_four_bits_cost(
    ended: tuple[Workspace, RunFolder],
) -> None:
    result = runs.view(ended[1]).result
    outcome = msgspec.convert(result["outcome"], Outcome)
    assert outcome.task is not None
    assert outcome.general is not None
    assert [point.step for point in outcome.points] == [0, 2, 4]
    assert outcome.general_set == "builtin"
    cost = msgspec.convert(result["quantisation"], QuantisationCost)
    assert cost.change is not None
    assert cost.rows_from == "held-out rows"
    told = [event for event in events_of(ended[1], Notice) if isinstance(event, Notice)]
    assert any(event.title == "What 4 bits cost" for event in told)
    assert "outcome" not in result["metrics"]
    evaluated = [event for event in events_of(ended[1], Evaluated) if isinstance(event, Evaluated)]
    assert [event.step for event in evaluated] == [0, 2, 4]


def test_a_dry_run_says_what_an_earlier_run_has_measured(ended: tuple[Workspace, RunFolder]) -> None:
    workspace = ended[0]
    longer = msgspec.structs.replace(RECIPE, max_steps=50)
    found = look_ahead(workspace, check(workspace, longer), longer)
    cost = msgspec.convert(runs.view(ended[1]).result["quantisation"], QuantisationCost)
    assert found.quantisation == cost
    other = msgspec.structs.replace(RECIPE, prompt="", mask="whole")
    assert look_ahead(workspace, check(workspace, other), other).quantisation is None


def test_it_can_be_switched_off(ended: tuple[Workspace, RunFolder], tmp_path: Path) -> None:
    quiet = msgspec.structs.replace(
        RECIPE, dataset="chats", general="", measure_quantisation=False, max_steps=1, eval_every=0
    )
    workspace = make_workspace(tmp_path / "quiet")  # without rows held out
    folder = run_here(workspace, "train", TrainParams(quiet), "a run without an account")
    result = runs.view(folder).result
    assert (result["outcome"], result["quantisation"]) == (None, None)
