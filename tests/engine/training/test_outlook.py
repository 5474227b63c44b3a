"""The outlook of a recipe that is being filled in: problems at their fields, the plan, counted rows."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.data.ensure import ensure_dataset
from engine.training import preset
from engine.training.outlook import look
from engine.training.row_counts import RowCounts
from store.records.outlook import Asked, Outlook
from store.records.plan import Machine
from store.workspace import Workspace

CPU = Machine("cpu", False, 16 << 30, 8 << 30, False)
CARD = Machine("a card", True, 24 << 30, 22 << 30, True)
SETTINGS = """
[models.tiny]
path = "builtin:tiny"
[datasets.chats]
source = "data/chats.jsonl"
"""
NAMED = ["base=tiny", "dataset=chats"]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A tiny model and eight chats that nobody has imported."""
    root = tmp_path / "wallet"
    for folder in ("data", "recipes"):
        (root / folder).mkdir(parents=True)
    (root / "temper.toml").write_text(SETTINGS, encoding="utf-8")
    rows = [{"prompt": f"say {n}", "completion": f"it is {n}"} for n in range(8)]
    (root / "data" / "chats.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return Workspace(root)


class Looking:
    """Asks for outlooks and waits for rows that are being counted."""

    def __init__(self, workspace: Workspace, machine: Machine = CPU) -> None:
        self.workspace = workspace
        self.machine = machine
        self.counted = threading.Event()
        self.counts = RowCounts(workspace, self.counted.set)

    def at(self, *overrides: str, preset: str | None = None, file: str = "") -> Outlook:
        """The first answer."""
        return look(self.workspace, Asked(1, preset, file, list(overrides)), self.counts, self.machine)

    def settled(self, *overrides: str, preset: str | None = None) -> Outlook:
        """The answer once rows are counted."""
        found = self.at(*overrides, preset=preset)
        while found.counting:
            assert self.counted.wait(60)
            self.counted.clear()
            found = self.at(*overrides, preset=preset)
        return found


@pytest.fixture
def looking(workspace: Workspace) -> Looking:
    return Looking(workspace)


def told(found: Outlook) -> dict[str, str]:
    """Problems by field."""
    return {one.key: one.text for one in found.problems}


def test_an_empty_form_lacks_a_base_and_a_dataset_and_nothing_else(looking: Looking) -> None:
    found = looking.at()
    assert set(told(found)) == {"base", "dataset"}
    assert found.recipe is None


def test_a_recipe_without_problems_is_the_one_that_runs(looking: Looking) -> None:
    found = looking.at(*NAMED, "lora.rank=4")
    assert found.problems == []
    assert found.recipe is not None
    assert (found.recipe.base, found.recipe.lora.rank) == ("tiny", 4)


def test_all_problems_are_told_at_once_each_at_its_field(looking: Looking) -> None:
    found = looking.at(
        "base=nowhere", "dataset=chats", "lora.rank=none", "learning_rate=7", "patience=3", "freeze=0-1"
    )
    problems = told(found)
    assert {"base", "lora.rank", "learning_rate", "patience", "freeze"} <= set(problems)
    assert "Expected `int`" in problems["lora.rank"]
    assert found.recipe is None


def test_what_contradicts_itself_is_told_beside_what_is_wrong_on_its_own(looking: Looking) -> None:
    problems = told(looking.at(*NAMED, "warmup_steps=5", "warmup_ratio=0.1", "seed=-2"))
    assert set(problems) == {"warmup_ratio", "seed"}


def test_a_wrong_field_leaves_the_estimate_of_the_others(looking: Looking) -> None:
    whole = looking.at(*NAMED).plan
    found = looking.at(*NAMED, "learning_rate=none").plan
    assert whole is not None
    assert found is not None
    assert found.estimate.parts == whole.estimate.parts


def test_without_a_choice_the_preset_is_the_one_for_the_size_of_the_base(looking: Looking) -> None:
    assert looking.at().preset == ""
    assert looking.at(*NAMED).preset == "tiny-qlora"
    assert looking.at(*NAMED, "method=full").preset == "tiny-full"
    assert looking.at(*NAMED, "objective=dpo").preset == "tiny-dpo"


def test_a_chosen_preset_stands_beneath_what_was_typed(looking: Looking) -> None:
    found = looking.at(*NAMED, "lora.rank=4", preset="1b-lora")
    assert found.preset == "1b-lora"
    assert found.preset_keys["method"] == preset.read("1b-lora")["method"] == "lora"
    assert found.recipe is not None
    assert (found.recipe.method, found.recipe.lora.rank) == ("lora", 4)


def test_a_file_stands_between_the_preset_and_what_was_typed(workspace: Workspace, looking: Looking) -> None:
    text = 'base = "tiny"\ndataset = "chats"\nmax_steps = 7\nmax_length = 256\n[lora]\nrank = 3\n'
    (workspace.root / "recipes" / "own.toml").write_text(text, encoding="utf-8")
    found = looking.at("lora.rank=5", file="recipes/own.toml")
    assert found.keys["lora"] == {"rank": 3}
    assert found.recipe is not None
    assert (found.recipe.max_steps, found.recipe.lora.rank) == (7, 5)


def test_an_unknown_key_of_a_file_is_a_problem_with_the_nearest_one(
    workspace: Workspace, looking: Looking
) -> None:
    (workspace.root / "recipes" / "own.toml").write_text("max_step = 7\n", encoding="utf-8")
    assert "max_steps" in told(looking.at(*NAMED, file="recipes/own.toml"))["max_step"]


def test_looking_imports_nothing_and_takes_rows_for_as_long_as_they_may_be(
    workspace: Workspace, looking: Looking
) -> None:
    found = looking.at(*NAMED)
    assert (found.rows, found.counting) == (None, False)
    assert found.plan is not None
    assert found.plan.demand.longest == found.plan.recipe.max_length
    assert not workspace.paths.datasets.exists()


def test_rows_that_are_imported_are_counted_and_the_estimate_is_of_them(
    workspace: Workspace, looking: Looking
) -> None:
    ensure_dataset(workspace, "chats")
    first, found = looking.at(*NAMED), looking.settled(*NAMED)
    assert first.counting
    assert first.plan is not None
    assert found.rows is not None
    assert found.rows.rows == 8
    assert found.plan is not None
    assert found.plan.estimate.total_bytes < first.plan.estimate.total_bytes


def test_rows_are_not_counted_anew_for_what_does_not_touch_them(
    workspace: Workspace, looking: Looking
) -> None:
    ensure_dataset(workspace, "chats")
    looking.settled(*NAMED)
    assert not looking.at(*NAMED, "lora.rank=4").counting
    assert looking.at(*NAMED, "max_length=64").counting


def test_a_run_that_does_not_fit_says_what_would(workspace: Workspace) -> None:
    small = Machine("a card", True, 1 << 30, 700 << 20, True)
    found = Looking(workspace, small).at(*NAMED, "batch_size=64", "max_length=512", "micro_batch=as_written")
    assert found.plan is not None
    assert not found.plan.estimate.fits
    assert found.plan.alternatives


def asked_of(root: Path, *asked: Asked) -> Iterator[Outlook]:
    """The answers of the helper process."""
    command = [sys.executable, "-P", "-m", "engine.training.outlook_process", str(root)]
    lines = b"".join(msgspec.json.encode(one) + b"\n" for one in asked)
    done = subprocess.run(command, input=lines, capture_output=True, check=True)
    yield from (msgspec.json.decode(line, type=Outlook) for line in done.stdout.splitlines())


def test_the_helper_process_ends_with_its_input(workspace: Workspace) -> None:
    answers = list(asked_of(workspace.root, Asked(7, overrides=NAMED)))
    assert all(answer.number == 7 for answer in answers)
