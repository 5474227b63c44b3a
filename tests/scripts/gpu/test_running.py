"""How steps are run: each by itself, in the time there is, and none keeps the next one from running."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.gpu import __main__ as check
from scripts.gpu.plan import Step, all_steps

FOREVER = [sys.executable, "-c", "import threading; threading.Event().wait()"]


@pytest.fixture
def without_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "find_device", lambda rehearse: None)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Runs of steps that are only noted: those called `packed` break, all others pass."""
    ran: list[str] = []

    def run(command: Any, log: Path, seconds: float) -> int | None:
        name, answer = command[4], Path(command[5])
        ran.append(name)
        log.write_text("what it said")
        if name == "packed":
            return 139
        found: dict[str, Any] = {"gates": [], "goals": [], "figures": {}}
        answer.write_text(json.dumps({"state": "passed", "found": found, "versions": {}}))
        return 0

    monkeypatch.setattr(check, "ended", run)
    return ran


def kept(folder: Path, name: str) -> dict[str, Any]:
    """A step's record."""
    found: dict[str, Any] = json.loads((folder / "right" / f"{name}.json").read_text())
    return found


def test_without_a_card_nothing_runs_and_the_exit_code_says_so(
    without_card: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check.main([]) == check.NO_GPU
    assert "No CUDA device" in capsys.readouterr().out


def test_all_steps_can_be_listed_without_a_card(
    without_card: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check.main(["--list", "--results", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert all(step.id in said for step in all_steps())


def test_an_unknown_step_is_a_mistake_in_the_command() -> None:
    with pytest.raises(SystemExit, match="2"):
        check.main(["--step", "packd"])


def test_a_step_that_dies_is_recorded_with_its_reason_and_the_next_one_runs(
    steps: list[str], tmp_path: Path
) -> None:
    code = check.main(["--rehearse", "--stage", "right", "--results", str(tmp_path)])
    assert code == 1
    assert steps == [step.name for step in all_steps() if step.stage == "right"]
    assert kept(tmp_path, "packed")["reason"] == "the process died with exit code 139"
    assert kept(tmp_path, "resume")["state"] == "passed"


def test_what_stands_is_not_run_again_unless_asked_for(steps: list[str], tmp_path: Path) -> None:
    given = ["--rehearse", "--stage", "right", "--results", str(tmp_path)]
    check.main(given)
    steps.clear()
    check.main(given)
    assert steps == ["packed"]  # it broke
    check.main([*given, "--again", "--step", "resume"])
    assert "resume" in steps


def test_nothing_is_begun_that_the_time_does_not_allow(steps: list[str], tmp_path: Path) -> None:
    assert check.main(["--rehearse", "--minutes", "0.1", "--results", str(tmp_path)]) == 0
    assert steps == []


def test_a_step_that_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    assert check.ended(FOREVER, tmp_path / "log", 0.2) is None


def test_a_step_is_expected_to_take_what_its_file_says() -> None:
    assert Step("out", "build").minutes == 8.0
