"""What set-up shows: a line per step, the log's end when a command fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from set_up import console
from set_up.console import Console, SetupError


@pytest.fixture
def shown(tmp_path: Path) -> Console:
    return Console(tmp_path / "setup.log", steps=2)


def test_a_step_is_one_line_with_its_result_and_time(
    shown: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    with shown.step("machine") as step:
        step.result("no GPU")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "[1/2] machine: no GPU (0.0 s)\n"


def test_notes_stand_below_their_step(shown: Console, capsys: pytest.CaptureFixture[str]) -> None:
    with shown.step("packages") as step:
        step.note("fetching")
    assert capsys.readouterr().err.splitlines()[1:] == ["      fetching", "      done (0.0 s)"]


def test_a_commands_output_goes_to_the_log(shown: Console, capsys: pytest.CaptureFixture[str]) -> None:
    with shown.step("packages") as step:
        step.run([sys.executable, "-c", "print('many words')"])
    assert "many words" not in capsys.readouterr().err
    assert "many words" in shown.log.read_text()


def test_a_failing_command_shows_the_end_of_its_output_and_the_log(
    shown: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SetupError) as caught, shown.step("packages") as step:
        step.run([sys.executable, "-c", "print('no such package'); raise SystemExit(4)"])
    assert "      | no such package" in capsys.readouterr().err
    assert "ended with 4" in caught.value.cause
    assert str(shown.log) in caught.value.cause


def test_only_this_commands_output_is_shown(shown: Console, capsys: pytest.CaptureFixture[str]) -> None:
    shown.log.write_text("an earlier set-up\n")
    with pytest.raises(SetupError), shown.step("packages") as step:
        step.run([sys.executable, "-c", "raise SystemExit(1)"])
    assert "earlier" not in capsys.readouterr().err


def test_a_long_command_says_how_far_it_is(
    shown: Console,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The command ends once it has been asked how far it is."""
    monkeypatch.setattr(console, "HEARTBEAT", 0.01)
    asked = tmp_path / "asked"
    code = f"import os; print('halfway', flush=True)\nwhile not os.path.exists({str(asked)!r}): pass"

    def progress(text: str, elapsed: float) -> str:
        if "halfway" in text:
            asked.touch()
        return text.strip()

    with shown.step("packages") as step:
        step.run([sys.executable, "-c", code], progress=progress)
    assert " s  halfway" in capsys.readouterr().err


def test_an_error_has_three_parts() -> None:
    text = SetupError("no room", "1 GB is free.", "Free some.").text()
    assert text.splitlines() == [
        "Set-up stopped: no room",
        "  What happened:  1 GB is free.",
        "  What to do:     Free some.",
    ]
