"""`temper train`: what is refused before anything starts, what is started, what is printed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from engine.models.builtin import builtin_directory
from engine.models.directory import ModelDirectory
from engine.training.recipe import load_recipe
from store import runs
from store.leases import DeviceLease
from store.records.events import Artifact, Event, Failure, Finished, Notice
from store.records.runs import JobKind
from store.runs import RunFolder
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.app.cli.stage import METRICS
from tests.workers import lay_run

FINISHED: list[Event] = [
    Artifact(name="adapter", path="artifacts/adapter", type="adapter"),
    Finished(status="finished", result={"adapter": "artifacts/adapter", "metrics": METRICS}),
]
FAILED: list[Event] = [
    Finished(status="failed", error=Failure("The device's memory is full", "4 GB.", "Halve batch_size.", 1))
]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[RunFolder]:
    """Runs that the command starts: laid by hand, ended at once. The real worker has tests of its own."""
    made: list[RunFolder] = []

    def start(
        workspace: Workspace, job: JobKind, params: msgspec.Struct, title: str, command: str
    ) -> RunFolder:
        made.append(lay_run(workspace, f"{job}-20260131-100000-0001", FINISHED, job, command))
        return made[-1]

    monkeypatch.setattr("engine.jobs.launch.start", start)
    return made


def test_a_dry_run_prints_the_whole_recipe_and_starts_nothing(temper: Temper, workspace: Workspace) -> None:
    ended = temper("train", "support", "--dry-run", "--set", "lora.rank=4")
    assert ended.code == 0
    Path("whole.toml").write_text(ended.out, encoding="utf-8")
    recipe = load_recipe(Path("whole.toml"))
    assert (recipe.base, recipe.max_steps, recipe.lora.rank) == ("tiny", 3, 4)
    assert runs.list_folders(workspace.paths.runs) == []


def test_a_recipe_is_found_by_path_from_here_by_path_from_the_workspace_and_by_name(
    temper: Temper, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.root / "data")
    for name in ("../recipes/support.toml", "recipes/support.toml", "support"):
        assert temper("train", name, "--dry-run").code == 0


def test_training_without_a_recipe_takes_base_dataset_and_method(
    temper: Temper, workspace: Workspace
) -> None:
    ended = temper(
        "train", "--base", "tiny", "--dataset", "support", "--method", "lora", "--dry-run", "--json"
    )
    recipe = ended.json()["recipe"]
    assert (recipe["base"], recipe["dataset"], recipe["method"]) == ("tiny", "support", "lora")
    assert recipe["max_length"] <= ModelDirectory(builtin_directory("tiny")).context_length


def test_a_base_named_by_path_is_found_from_the_folder_one_is_in(
    temper: Temper, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(builtin_directory("tiny"), workspace.root / "models" / "mine")
    monkeypatch.chdir(workspace.root / "models")
    ended = temper("train", "support", "--base", "./mine", "--dry-run", "--json")
    assert ended.json()["recipe"]["base"] == "models/mine"


def test_every_problem_that_can_be_known_is_listed_and_nothing_starts(
    temper: Temper, workspace: Workspace
) -> None:
    ended = temper(
        "train", "support", "--set", "max_length=999999", "--set", "prompt=none.md", "--dataset", "suport"
    )
    assert ended.code == 2
    assert "3 things" in ended.err
    for part in ("999999", "none.md", "Did you mean 'support'?"):
        assert part in ended.err
    assert runs.list_folders(workspace.paths.runs) == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("suport",), 3, "Did you mean recipes/support.toml?"),
        (("support", "--set", "max_stps=3"), 2, "did you mean 'max_steps'?"),
        (("support", "--method", "loar"), 2, "method"),
        (("support", "--base", "no/such/folder"), 3, "not there"),
        (("support", "--base", "tinny"), 2, "Did you mean 'tiny'?"),
        (("support", "--dataset", "support@7"), 2, "no version 7"),
        ((), 2, "--base --dataset"),
    ],
)
def test_what_cannot_work_is_refused_with_its_exit_code(
    temper: Temper, workspace: Workspace, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended = temper("train", *arguments, "--dry-run")
    assert (ended.code, said in ended.err) == (code, True)


def test_a_base_without_a_shard_is_refused_with_the_shards_name(temper: Temper, workspace: Workspace) -> None:
    base = workspace.root / "base"
    shutil.copytree(builtin_directory("tiny"), base)
    (base / "model.safetensors").rename(base / "model-1.safetensors")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (base / "model.safetensors.index.json").write_bytes(msgspec.json.encode(index))
    ended = temper("train", "support", "--base", "base")
    assert ended.code == 3
    assert "model-2.safetensors" in ended.err


def test_a_base_without_chat_template_needs_one_in_the_recipe(temper: Temper, workspace: Workspace) -> None:
    base = workspace.root / "base"
    shutil.copytree(builtin_directory("tiny"), base)
    settings = msgspec.json.decode((base / "tokenizer_config.json").read_bytes())
    settings.pop("chat_template", None)
    (base / "tokenizer_config.json").write_bytes(msgspec.json.encode(settings))
    (base / "chat_template.jinja").unlink(missing_ok=True)
    assert "template" in temper("train", "support", "--base", "base").err
    plain = ("--set", r'template="{prompt}\n{completion}"')
    assert temper("train", "support", "--base", "base", *plain, "--dry-run").code == 0


def test_a_dataset_whose_source_is_gone_is_refused(temper: Temper, workspace: Workspace) -> None:
    (workspace.root / "data" / "support.jsonl").unlink()
    ended = temper("train", "support")
    assert ended.code == 3
    assert "support.jsonl" in ended.err


def test_the_recipe_is_saved_whole_and_never_over_another_file(temper: Temper, workspace: Workspace) -> None:
    save = ("--save-recipe", "recipes/new.toml", "--dry-run")
    assert temper("train", "support", "--set", "seed=7", *save).code == 0
    assert load_recipe(workspace.root / "recipes" / "new.toml").seed == 7
    ended = temper("train", "support", *save)
    assert ended.code == 2
    assert load_recipe(workspace.root / "recipes" / "new.toml").seed == 7


def test_a_finished_run_prints_its_figures_and_what_comes_next(
    temper: Temper, workspace: Workspace, started: list[RunFolder]
) -> None:
    ended = temper("train", "support", "--set", "seed=7")
    assert ended.code == 0
    assert "1.2500" in ended.out
    assert f"temper export {started[0].run_id}" in ended.err


def test_json_is_the_stable_fields(temper: Temper, workspace: Workspace, started: list[RunFolder]) -> None:
    answer = temper("train", "support", "--json").json()
    assert answer["run_id"] == started[0].run_id
    assert answer["state"] == "finished"
    assert answer["adapter"] == "artifacts/adapter"
    assert answer["metrics"] == METRICS


def test_a_full_run_made_a_model_and_says_so(
    temper: Temper, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[Event] = [
        Artifact(name="model", path="artifacts/model", type="model"),
        Finished(status="finished", result={"model": "artifacts/model", "metrics": METRICS}),
    ]
    numbers = iter("12")

    def start(workspace: Workspace, job: JobKind, *_: object) -> RunFolder:
        return lay_run(workspace, f"train-20260131-100000-000{next(numbers)}", done, job)

    monkeypatch.setattr("engine.jobs.launch.start", start)
    shown = temper("train", "support", "--set", "method=full")
    assert shown.code == 0
    assert "artifacts/model" in shown.out
    assert "--model train-20260131-100000-0001" in shown.err
    answer = temper("train", "support", "--set", "method=full", "--json").json()
    assert (answer["adapter"], answer["model"]) == (None, "artifacts/model")


@pytest.fixture
def asking(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Callable[[Event], None]:
    """A training run that started the forgetting pack, and how that ends."""
    pack, numbers = "forgetting-20260131-100000-0001", iter("123")
    result = {"adapter": "artifacts/adapter", "metrics": METRICS, "forgetting": pack}

    def start(workspace: Workspace, job: JobKind, *_: object) -> RunFolder:
        done: list[Event] = [Finished(status="finished", result=result)]
        return lay_run(workspace, f"train-20260131-100000-000{next(numbers)}", done, job)

    monkeypatch.setattr("engine.jobs.launch.start", start)

    def ends(ended: Event) -> None:
        lay_run(workspace, pack, [Notice(title="Forgetting", text=LOST), ended], "forgetting")

    return ends


LOST = "It has forgotten, most of all json"


def test_the_verdict_on_what_was_forgotten_ends_the_run(
    temper: Temper, asking: Callable[[Event], None]
) -> None:
    told = {"verdict": "forgotten", "headline": LOST, "remedy": ["replay"], "detectable": 0.05, "kinds": {}}
    asking(Finished(status="finished", result={"forgetting": told}))

    assert LOST in temper("train", "support").err
    answer = temper("train", "support", "--json").json()
    assert answer["forgetting"]["verdict"] == "forgotten"
    assert answer["forgetting"]["remedy"] == ["replay"]


def test_a_pack_that_fails_does_not_fail_the_training(
    temper: Temper, asking: Callable[[Event], None]
) -> None:
    asking(Finished(status="failed", error=Failure("No answer", "llama.cpp is broken.", "Mend it.", 1)))

    shown = temper("train", "support")

    assert shown.code == 0
    assert "What was forgotten is not known: No answer. llama.cpp is broken." in shown.err
    assert temper("train", "support", "--json").json()["forgetting"]["state"] == "failed"


def test_json_of_a_failed_run_is_printed_before_its_error(
    temper: Temper, workspace: Workspace, started: list[RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.app.cli.test_train.FINISHED", FAILED)
    ended = temper("train", "support", "--json")
    assert ended.code == 1
    assert ended.json()["state"] == "failed"
    assert ended.json()["error"]["remedy"] == "Halve batch_size."
    assert "The device's memory is full" in ended.err


def test_without_watching_only_the_run_is_named(
    temper: Temper, workspace: Workspace, started: list[RunFolder]
) -> None:
    assert temper("train", "support", "--no-watch", "--json").json() == {"run_id": started[0].run_id}


def test_without_watching_one_is_told_at_once_who_has_the_gpu(
    temper: Temper, workspace: Workspace, started: list[RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.jobs.queue.device_name", lambda: "cpu")
    lease = DeviceLease("cpu")
    assert lease.acquire(1, "train-of-somebody")
    ended = temper("train", "support", "--no-watch")
    lease.release()
    assert ended.out.strip() == started[0].run_id
    assert "train-of-somebody has cpu since" in ended.err


def test_the_run_knows_the_command_that_asks_for_the_same_again(
    temper: Temper, workspace: Workspace, started: list[RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.root / "data")
    temper("train", "../recipes/support.toml", "--set", "seed=7", "--base", "tiny")
    assert started[0].spec().command == "temper train recipes/support.toml --base tiny --set seed=7"
