"""What the advisor knows beside the scores: cases, rows, training runs, what answering took."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.data.checks.run import check
from engine.evals.suite import load_suite
from engine.jobs import launch
from engine.jobs.advising import probe
from engine.jobs.advising.probe import cases_in, probe_recipe, rate_of, start_where_missing, whole_steps
from engine.jobs.advising.signs import (
    compare_prompts,
    conflicts_share,
    facts_share,
    leaked,
    read_report,
    read_training,
    report_on,
)
from engine.jobs.advising.taking import Account
from engine.jobs.advising.training import training_of
from engine.jobs.advising.ways import PROBE, Wanted
from engine.jobs.train import TrainParams
from engine.models.builtin import builtin_directory
from store import labels, runs
from store.errors import TemperError, UsageError
from store.records.advice import Signs
from store.records.data import Message
from store.records.evals import Case
from store.records.findings import CheckSettings
from store.records.recipe import Recipe
from store.records.runs import RunSpec
from store.records.workspace import Variant
from store.runs import RunFolder
from store.workspace import Workspace
from tests.app.cli.stage import lay_training, make_workspace
from tests.engine.data.checks.stage import chat, lay, turns
from tests.workers import lay_run

SETTINGS = """
[models.tiny]
path = "builtin:tiny"
[datasets.d]
source = "d.jsonl"
[variants.base]
model = "tiny"
prompt = "served.md"
[defaults]
variant = "base"
"""
RECIPE = 'base = "tiny"\ndataset = "d"\nmethod = "lora"\nprompt = "served.md"\nbatch_size = 4\n'


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    for name, text in {"temper.toml": SETTINGS, "served.md": "Be brief.", "recipes/d.toml": RECIPE}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return Workspace(tmp_path)


def train_run(workspace: Workspace, title: str, events: list[dict[str, Any]]) -> RunFolder:
    """A training run of 20 steps as its worker would have left it."""
    recipe = Recipe(base="tiny", dataset="d", max_steps=20)
    params = msgspec.to_builtins(TrainParams(recipe))
    spec = RunSpec("train-1", "train", "2026-01-31T10:00:00.000Z", str(workspace.root), params, title)
    folder = runs.create(workspace.paths.runs, spec)
    begin: list[dict[str, Any]] = [
        {"kind": "started", "run_id": "train-1", "job": "train", "pid": 1},
        {"kind": "lease", "device": "cpu"},
    ]
    ended: list[dict[str, Any]] = [{"kind": "finished", "status": "finished", "result": {}}]
    with folder.events.open("w", encoding="utf-8") as file:
        for number, event in enumerate([*begin, *events, *ended], 1):
            at = event.get("at", 0 if number <= 2 else 60)
            stamp = f"2026-01-31T10:{at // 60:02}:{at % 60:02}.000Z"
            kept = {key: value for key, value in event.items() if key != "at"}
            file.write(json.dumps(kept | {"seq": number, "time": stamp}) + "\n")
    return folder


def read_of(workspace: Workspace) -> Signs:
    """What the rows of `d` say."""
    signs, report = Signs(), report_on(workspace, "d", "base")
    assert report is not None
    read_report(report, signs)
    return signs


def step(number: int, at: int) -> dict[str, Any]:
    return {"kind": "step", "step": number, "loss": 1.0, "total": 20, "at": at}


STEPS = [step(1, 20), step(20, 58)]
MEASURED = {"kind": "measured", "seconds_per_step": 3.0, "eta_seconds": 60.0, "at": 10} | dict.fromkeys(
    ("peak_bytes", "checkpoint_bytes", "export_bytes"), 1
)


def test_answers_that_state_facts_which_will_change_are_counted() -> None:
    cases = [
        Case("a", "What is the fee?", "The monthly fee is $4.99."),
        Case("b", "What is the fee of $4.99?", "The monthly fee is $4.99."),  # it stands in the question
        Case("c", "Which intent?", "recovery"),
        Case("d", "No reference"),
    ]

    assert facts_share(cases) == pytest.approx(1 / 3)
    assert facts_share(cases[3:]) is None
    bare = [
        Case(str(n), "How much?", one) for n, one in enumerate(("$42", "9.99 EUR", "€5", "42", "$5 tier"))
    ]
    assert facts_share(bare) == pytest.approx(3 / 5)  # neither the number nor the label


def test_cases_that_answer_one_question_in_two_ways_disagree() -> None:
    def asked(*answers: str, **more: Any) -> list[Case]:
        return [Case(str(n), "Which?", answer, **more) for n, answer in enumerate(answers)]

    others = [Case("x", "Another?", "a"), Case("y", "Third?", "b")]
    assert conflicts_share([*asked("a", "b"), *others]) == 0.5
    assert conflicts_share([*asked("a", " A "), *others]) == 0.0
    assert conflicts_share([*asked("a", "b", alternatives=["c"]), *others]) == 0.0
    before = [Message("user", "Hi"), Message("assistant", "Hello")]
    assert conflicts_share([*asked("a"), *asked("b", before=before)]) is None


def test_rows_that_nobody_checked_are_looked_at(workspace: Workspace) -> None:
    rows = [chat("Which card is it?", "blue"), chat("Which card is it?", "red")]
    rows += [chat(f"Question number {n} of many", "blue") for n in range(8)]
    lay(workspace.paths, rows)

    signs = read_of(workspace)

    assert signs.conflicts == pytest.approx(0.2)
    assert signs.perishable == 0.0
    assert signs.serving_mismatch == ""
    assert not list(workspace.root.rglob("*report*"))  # a part of a check is no report on the data


def test_held_out_rows_that_nearly_stand_among_the_rows_to_train_on_are_found(workspace: Workspace) -> None:
    asked = "My card was eaten by the machine at the station and nobody answers the phone there{0}"
    rows = [chat(asked.format(""), "lost"), chat("Where do I see my fees for the last year?", "fees")]
    rows += [chat(f"Question number {n} of many others", "else") for n in range(8)]
    rows += [chat(asked.format(" now"), "lost", split="heldout"), chat("Hi there", "else", split="heldout")]
    lay(workspace.paths, rows)

    report = report_on(workspace, "d", "base")

    assert report is not None
    assert leaked(report) == {"r11"}


def test_rows_behind_another_system_message_than_the_served_one_are_a_mismatch(workspace: Workspace) -> None:
    rows = [
        turns(Message("system", "Be long."), Message("user", f"ask {n}"), Message("assistant", "x"))
        for n in range(4)
    ]
    lay(workspace.paths, rows)

    signs = read_of(workspace)

    assert "another system message than variant 'base'" in signs.serving_mismatch


@pytest.mark.parametrize(
    ("title", "events", "seconds", "note"),
    [
        ("d", STEPS, 60.0, "measured"),
        ("probe: d, 20 steps", STEPS, 60.0 + 180 * 2.0, "from the probe's steps"),
        ("probe: d, 20 steps", [MEASURED, *STEPS], 60.0 + 180 * 3.0, "from the preflight"),
    ],
)
def test_a_probe_foretells_what_the_whole_run_takes(
    workspace: Workspace, title: str, events: list[dict[str, Any]], seconds: float, note: str
) -> None:
    folder = train_run(workspace, title, events)
    lay(workspace.paths, [chat("a", "b")])

    found = training_of(workspace, folder, "d", "base")

    assert found is not None
    assert found.seconds == pytest.approx(seconds)
    assert found.note == note


def test_a_probe_is_the_workspaces_own_recipe_cut_short_epochs_too(workspace: Workspace) -> None:
    path = workspace.root / "recipes" / "d.toml"
    path.write_text(RECIPE + "epochs = 2.0\n", encoding="utf-8")
    lay(workspace.paths, [chat(f"ask {n}", "x") for n in range(40)])

    recipe = probe_recipe(workspace, "d", "base", 5)

    assert (recipe.max_steps, recipe.epochs, recipe.prompt) == (5, 0.0, "served.md")
    assert whole_steps(workspace, "d", "base") == 20  # 40 rows twice, four at a time


def test_the_cases_of_a_suite_are_counted_before_anything_is_asked(workspace: Workspace) -> None:
    lay(workspace.paths, [chat(f"ask {n}", "x", split="heldout" if n < 4 else "train") for n in range(9)])
    listed = {"name": "s", "cases": [{"id": str(n), "input": "a"} for n in range(3)]}
    taken = {"name": "s", "cases": {"dataset": "d/heldout"}}
    counts = []
    for suite, limit in ((listed, None), (listed, 2), (taken, None), (taken, 3)):
        path = workspace.root / "s.yaml"
        path.write_text(json.dumps(suite | {"checks": [{"kind": "length", "max": 9}]}), encoding="utf-8")
        counts.append(cases_in(workspace, load_suite(path, workspace.root), limit))

    assert counts == [3, 2, 4, 3]


def test_a_probe_needs_rows(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="nothing to train a probe on"):
        probe_recipe(workspace, "", "base", 5)


def missing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, asked_for: bool, steps: int = 50
) -> tuple[list[TrainParams], Wanted]:
    """What is started for want of an adapter, and what is said of it; nothing is trained."""
    started: list[TrainParams] = []
    wanted = Wanted(variant="base", rows="d")
    suite = {"name": "s", "cases": {"dataset": "d/heldout"}, "checks": [{"kind": "exact"}]}
    (workspace.root / "s.yaml").write_text(json.dumps(suite), encoding="utf-8")
    loaded = load_suite(workspace.root / "s.yaml", workspace.root)
    monkeypatch.setattr(launch, "start", lambda _workspace, _job, params, _title: started.append(params))
    start_where_missing(workspace, loaded, wanted, None, steps, asked_for)
    return started, wanted


def lay_leak(workspace: Workspace, held: int = 30) -> None:
    """Rows of which one is held out and trained on, and a report that says so."""
    rows = [
        chat(f"Question {n} of so many", "x", split="heldout" if n < held else "train") for n in range(60)
    ]
    lay(workspace.paths, [*rows, chat("Question 1 of so many", "x")])
    check(workspace.paths, "d", CheckSettings())


def test_leaks_stop_no_probe_and_are_not_accepted_by_anyone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_leak(workspace)

    (params,), wanted = missing(workspace, monkeypatch, asked_for=True)

    assert (params.let_pass, params.accept, wanted.unprobed) == (["leakage"], [], "")
    assert labels.read(workspace.paths, "finding") == []


def test_what_stands_against_a_probe_is_said_and_raised_only_where_it_was_asked_for(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_leak(workspace)
    (workspace.root / "recipes" / "d.toml").write_text(RECIPE + 'eval_dataset = "gone"\n', encoding="utf-8")

    started, wanted = missing(workspace, monkeypatch, asked_for=False)

    assert not started
    assert wanted.unprobed.startswith("no probe could be trained: ")
    with pytest.raises(TemperError):
        missing(workspace, monkeypatch, asked_for=True)


@pytest.mark.parametrize(
    ("asked_for", "steps", "again"), [(True, 50, True), (True, 5, False), (False, 50, False)]
)
def test_a_longer_probe_that_is_asked_for_takes_the_place_of_a_shorter_one(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, asked_for: bool, steps: int, again: bool
) -> None:
    lay_leak(workspace)
    train_run(workspace, PROBE + "d, 20 steps", STEPS)
    monkeypatch.setattr(probe, "newest_adapter", lambda *_: "train-1")

    started, _ = missing(workspace, monkeypatch, asked_for, steps)

    assert bool(started) == again


def test_the_rate_of_a_plain_probe_suits_the_width_of_the_base(tmp_path: Path) -> None:
    for width in (128, 4096):
        folder = shutil.copytree(builtin_directory("tiny"), tmp_path / str(width))
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        (folder / "config.json").write_text(json.dumps(config | {"hidden_size": width}), encoding="utf-8")

    assert rate_of(tmp_path / "128") == 2e-3
    assert rate_of(tmp_path / "4096") == 2e-4


def test_what_answering_took_is_found_again_by_the_run_that_takes_the_answers_over(
    workspace: Workspace,
) -> None:
    drawn = iter([10.0, 25.0])
    first = lay_run(workspace, "advise-1", [], job="advise")
    second = lay_run(workspace, "advise-2", [], job="advise")
    with Account(workspace, first, lambda: next(drawn)).answering("abc", 5):
        pass

    taken = Account(workspace, second, None).of("abc")

    assert taken is not None
    assert (taken.answers, taken.joules) == (5, 15.0)
    assert Account(workspace, second, None).of("other") is None


def test_answering_that_was_left_early_counts_for_nothing(workspace: Workspace) -> None:
    account = Account(workspace, lay_run(workspace, "advise-1", [], job="advise"), None)

    with pytest.raises(InterruptedError), account.answering("abc", 5):
        raise InterruptedError

    assert account.of("abc") is None


def test_a_preference_run_is_known_and_quoted(workspace: Workspace) -> None:
    def preferred(objective: str, remarks: list[dict[str, str]]) -> Signs:
        folder = train_run(workspace, "d", STEPS)
        spec = folder.spec()
        spec.params = msgspec.to_builtins(TrainParams(Recipe("tiny", "p", objective=objective)))  # type: ignore[arg-type]  # one of the objectives
        folder.path.joinpath("spec.json").write_bytes(msgspec.json.encode(spec))
        events = folder.events.read_text(encoding="utf-8").replace(
            '"result": {}', json.dumps({"result": {"outcome": {"remarks": remarks}}})[1:-1]
        )
        folder.events.write_text(events, encoding="utf-8")
        signs = Signs()
        read_training(folder, signs)
        shutil.rmtree(folder.path)
        return signs

    remark = {"title": "Nicer but less accurate", "text": "fewer tokens are hit"}
    assert preferred("dpo", [remark]).preference_cost == "fewer tokens are hit"
    assert preferred("dpo", []).preferred
    assert not preferred("sft", []).preferred


def test_an_adapter_behind_another_prompt_than_its_run_had_is_a_mismatch(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    folder = lay_training(workspace)
    (workspace.root / "prompts" / "other.md").write_text("Do something else.", encoding="utf-8")
    for prompt, mismatch in (("prompts/support.md", False), ("prompts/other.md", True)):
        workspace.config.variants["tuned"] = Variant(adapter=folder.run_id, prompt=prompt)
        signs = Signs()
        compare_prompts(workspace, "tuned", folder, signs)
        assert ("another system prompt than tuned has" in signs.serving_mismatch) is mismatch
