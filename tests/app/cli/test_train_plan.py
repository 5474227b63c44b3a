"""`temper train` before anything starts: the dry run's figures and bar, presets, sweeps."""

from __future__ import annotations

from collections.abc import Callable

import click
import msgspec
import pytest

from app.cli.train.dry_run import alternative_line, bar_lines
from app.cli.train.sweep import print_sweep
from store import runs
from store.records.events import Finished
from store.records.plan import Alternative, MemoryEstimate, MemoryPart
from store.records.runs import JobKind
from store.records.sweep import Effect, Point, SweepResult
from store.runs import RunFolder
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.workers import lay_run

GRID = '[grid]\nlearning_rate = [1e-4, 1e-3]\n"lora.rank" = [4, 8]\n'
RESULT = SweepResult(
    question="Which rate?",
    measure="training loss",
    points=[
        Point({"learning_rate": 1e-4}, "train-a", "finished", 3, 2.5),
        Point({"learning_rate": 1e-3}, "train-b", "finished", 3, 1.5),
        Point({"learning_rate": 1.0}, "train-c", "cancelled", 2, 9.0, stopped_at=2),
    ],
    winner="train-b",
    verdict="Best: learning_rate = 0.001.",
    effects=[Effect("learning_rate", 7.5, {"0.0001": 2.5})],
)
Started = Callable[..., RunFolder]


@pytest.fixture
def finished(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Sweeps that the command starts are laid by hand, ended at once; the commands that they know."""
    known: list[str] = []

    def start(at: Workspace, job: JobKind, params: msgspec.Struct, title: str, command: str) -> RunFolder:
        known.append(command)
        result = msgspec.to_builtins(RESULT)
        return lay_run(
            at, f"{job}-20260131-100000-0001", [Finished(status="finished", result=result)], job, command
        )

    monkeypatch.setattr("engine.jobs.launch.start", start)
    return known


def test_a_dry_run_says_rows_steps_memory_disk_and_the_command(temper: Temper, workspace: Workspace) -> None:
    ended = temper("train", "support", "--dry-run", "--set", "lora.rank=4")
    for part in ("4, ", "steps", "data check", "disk", "together", "weights", "fits", "free"):
        assert part in ended.err
    assert "temper train recipes/support.toml --set lora.rank=4" in ended.err
    assert runs.list_folders(workspace.paths.runs) == []


@pytest.mark.parametrize("more", [(), ("--sweep", "rates.toml")])
def test_a_dry_run_leaves_the_workspace_as_it_is(
    more: tuple[str, ...], temper: Temper, workspace: Workspace
) -> None:
    (workspace.root / "rates.toml").write_text(GRID, encoding="utf-8")
    before = {path: path.lstat().st_mtime_ns for path in workspace.root.rglob("*")}
    ended = temper("train", "support", "--dry-run", *more)
    assert ended.code == 0
    assert {path: path.lstat().st_mtime_ns for path in workspace.root.rglob("*")} == before
    assert more or "support was read and not kept; the run imports it" in ended.err


def test_its_json_holds_the_plan_and_leaves_nothing_undecided(temper: Temper, workspace: Workspace) -> None:
    answer = temper("train", "support", "--dry-run", "--json").json()
    estimate = answer["plan"]["estimate"]
    assert sum(part["bytes"] for part in estimate["parts"]) == estimate["total_bytes"]
    assert answer["recipe"] == answer["plan"]["recipe"]
    assert answer["recipe"]["optimiser"] == "adamw"
    assert (answer["rows"], answer["command"]) == (4, "temper train recipes/support.toml")


def test_without_a_recipe_the_preset_for_the_bases_size_is_taken(
    temper: Temper, workspace: Workspace
) -> None:
    given = ("--base", "tiny", "--dataset", "support", "--dry-run", "--json")
    answer = temper("train", *given).json()
    assert answer["recipe"]["lora"]["rank"] == 32  # tiny-qlora
    assert answer["steps"] == 2  # three times over four rows, eight at a time
    full = temper(
        "train", "--base", "tiny", "--dataset", "support", "--method", "full", "--dry-run", "--json"
    )
    assert full.json()["recipe"]["method"] == "full"


def test_a_preset_is_taken_by_name_and_stays_in_the_command(temper: Temper, workspace: Workspace) -> None:
    given = ("--preset", "8b-lora", "--base", "tiny", "--dataset", "support")
    answer = temper("train", *given, "--dry-run", "--json").json()
    assert answer["recipe"]["lora"]["rank"] == 16
    assert answer["command"] == "temper train --preset 8b-lora --base tiny --dataset support"
    assert "Did you mean '8b-lora'?" in temper("train", "--preset", "8b-loar", *given[2:], "--dry-run").err


def test_a_sweeps_dry_run_lists_every_run(temper: Temper, workspace: Workspace) -> None:
    (workspace.root / "rates.toml").write_text(GRID, encoding="utf-8")
    ended = temper("train", "support", "--sweep", "rates.toml", "--dry-run")
    assert len(ended.out.splitlines()) == 5
    assert "4 runs" in ended.err
    listed = temper("train", "support", "--sweep", "rates.toml", "--dry-run", "--json").json()
    assert [run["recipe"]["lora"]["rank"] for run in listed["runs"]] == [4, 8, 4, 8]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[gird]\nseed = [1]\n", "did you mean 'grid'?"),
        ('[grid]\n"lora.rnk" = [1]\n', "did you mean 'rank'?"),
        ("rows = [0.5, 2.0]\n", "rows"),
        ("rows = [0.5, 1.0]\n", "temper data split support"),
    ],
)
def test_a_sweep_that_cannot_work_is_refused_before_anything_starts(
    temper: Temper, workspace: Workspace, text: str, said: str
) -> None:
    (workspace.root / "wrong.toml").write_text(text, encoding="utf-8")
    ended = temper("train", "support", "--sweep", "wrong.toml")
    assert (ended.code, said in ended.err) == (2, True)
    assert runs.list_folders(workspace.paths.runs) == []


def test_a_finished_sweep_prints_a_table_best_first_and_its_verdict(
    temper: Temper, workspace: Workspace, finished: list[str]
) -> None:
    (workspace.root / "rates.toml").write_text(GRID, encoding="utf-8")
    ended = temper("train", "support", "--sweep", "rates.toml")
    lines = ended.out.splitlines()
    assert "train-b  best" in lines[1]
    assert "stopped early at 2" in lines[3]
    assert "Best: learning_rate = 0.001." in ended.err
    assert "temper runs compare train-b train-a" in ended.err
    assert finished == ["temper train recipes/support.toml --sweep rates.toml"]


def test_its_json_is_the_result(temper: Temper, workspace: Workspace, finished: list[str]) -> None:
    (workspace.root / "rates.toml").write_text(GRID, encoding="utf-8")
    answer = temper("train", "support", "--sweep", "rates.toml", "--json").json()
    assert (answer["state"], answer["winner"], len(answer["points"])) == ("finished", "train-b", 3)


def test_a_sweep_that_is_attached_to_later_prints_the_same(
    temper: Temper, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lay_run(
        workspace, "sweep-1", [Finished(status="finished", result=msgspec.to_builtins(RESULT))], "sweep"
    )
    attached = temper("runs", "attach", "sweep-1")
    print_sweep(runs.view(folder))
    assert attached.out == click.unstyle(capsys.readouterr().out)


def estimate(free: int, *sizes: int) -> MemoryEstimate:
    parts = [MemoryPart("weights", size) for size in sizes]
    return MemoryEstimate(parts, sum(sizes), free, sum(sizes) <= free)


def test_the_bar_is_divided_as_the_memory_is() -> None:
    lines = bar_lines(estimate(100, 25, 50), width=40)
    assert lines[1].count("█") == 30
    assert lines[1].count("░") == 10
    assert lines[0].rstrip().endswith("│")


def test_what_does_not_fit_reaches_over_the_line_of_free_memory() -> None:
    lines = bar_lines(estimate(50, 60, 40), width=40)
    assert lines[1].count("█") == 40
    assert lines[0].index("│") == 2 + 20
    assert "does not fit" in click.unstyle(lines[-1])


def test_an_alternative_is_written_as_the_options_that_ask_for_it() -> None:
    one = Alternative({"method": "qlora", "lora.rank": 8}, "the base in 4 bits", 5_000_000_000, True)
    line = click.unstyle(alternative_line(one))
    assert line == "would fit with --set method=qlora --set lora.rank=8: 5.0 GB (the base in 4 bits)"
