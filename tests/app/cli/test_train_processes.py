"""`temper train --launcher accelerate --processes N`: what is said, refused, handed on. Trains nothing."""

from __future__ import annotations

import msgspec
import pytest

from engine.jobs.train import TrainParams
from store.records.events import Finished
from store.records.runs import JobKind
from store.runs import RunFolder
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.app.cli.stage import METRICS
from tests.workers import lay_run

TWO = ("--launcher", "accelerate", "--processes", "2")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[TrainParams]:
    """What the command would start."""
    heard: list[TrainParams] = []

    def start(
        workspace: Workspace, job: JobKind, params: msgspec.Struct, title: str, command: str
    ) -> RunFolder:
        assert isinstance(params, TrainParams)
        heard.append(params)
        ended = Finished(status="finished", result={"adapter": "artifacts/adapter", "metrics": METRICS})
        return lay_run(workspace, f"{job}-20260131-100000-0001", [ended], job, command)

    monkeypatch.setattr("engine.jobs.launch.start", start)
    return heard


def test_a_dry_run_says_how_a_step_is_divided_and_the_command_that_does_it(
    temper: Temper, workspace: Workspace
) -> None:
    ended = temper("train", "support", *TWO, "--set", "batch_size=4", "--dry-run", "--json")
    found = ended.json()
    assert any("2 processes, each with 1 of the 2 passes" in one for one in found["plan"]["decisions"])
    assert found["rows_per_step"] == 4
    assert "--launcher accelerate --processes 2" in found["command"]


def test_processes_are_an_option_of_the_launch_and_leave_the_recipe_alone(
    temper: Temper, workspace: Workspace, asked: list[TrainParams]
) -> None:
    assert temper("train", "support", *TWO, "--set", "batch_size=4").code == 0
    assert temper("train", "support", "--set", "batch_size=4").code == 0
    together, alone = asked
    assert (together.launcher, together.processes) == ("accelerate", 2)
    assert (alone.launcher, alone.processes) == ("", 1)
    assert together.recipe == alone.recipe


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*TWO, "--set", "batch_size=3"), "cannot be divided over 2 processes"),
        (("--processes", "2"), "belong together"),
        (("--launcher", "slurm", "--processes", "2"), "No such launcher"),
        ((*TWO, "--sweep", "learning-curve"), "A sweep trains in one process"),
    ],
)
def test_what_cannot_be_divided_is_refused_before_anything_starts(
    temper: Temper, workspace: Workspace, asked: list[TrainParams], arguments: tuple[str, ...], said: str
) -> None:
    ended = temper("train", "support", *arguments)
    assert (ended.code, said in ended.err) == (2, True)
    assert asked == []


def test_help_says_that_a_step_keeps_its_rows(temper: Temper) -> None:
    words = " ".join(temper("train", "--help").out.split())
    assert "A step keeps the rows that the recipe says" in words
