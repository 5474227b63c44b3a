"""The entry point: finding commands, errors in three parts, exit codes, what `--help` costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from app.cli import main as entry
from app.cli.main import COMMANDS
from store.errors import ExitCode, UsageError
from store.workspace import Workspace
from tests.app.cli.conftest import Temper
from tests.app.cli.stage import command, environment


def test_an_unknown_command_names_the_nearest_one(temper: Temper) -> None:
    ended = temper("rnus")
    assert ended.code == ExitCode.USAGE
    assert "Did you mean 'runs'?" in ended.err


def test_an_unknown_command_of_a_group_names_the_nearest_one(temper: Temper) -> None:
    ended = temper("runs", "atach")
    assert ended.code == ExitCode.USAGE
    assert "'attach'" in ended.err


@pytest.mark.parametrize(
    "arguments", [("--no-such-option",), ("runs", "list", "-n", "0"), ("init", "a", "b")]
)
def test_a_wrong_option_or_argument_is_a_usage_error(temper: Temper, arguments: tuple[str, ...]) -> None:
    assert temper(*arguments).code == ExitCode.USAGE


def test_an_error_is_title_cause_and_remedy_on_stderr_with_its_exit_code(
    temper: Temper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = temper("runs", "list")
    assert ended.code == ExitCode.MISSING
    assert ended.out == ""
    title, happened, remedy = ended.err.splitlines()
    assert title == "This folder is not a workspace."
    assert "temper.toml" in happened
    assert "temper init" in remedy


def test_a_traceback_is_shown_only_with_debug(
    temper: Temper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "Traceback" not in temper("runs", "list").err
    assert "Traceback" in temper("--debug", "runs", "list").err


def test_a_title_that_asks_ends_with_its_own_mark(capsys: pytest.CaptureFixture[str]) -> None:
    entry.show_error(UsageError("Which variant?", "None was named.", "Name one."))
    assert capsys.readouterr().err.startswith("Which variant?\n")


def test_an_unexpected_exception_is_shown_in_three_parts_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.show_error(ValueError("odd")) == ExitCode.FAILED
    err = capsys.readouterr().err
    assert "ValueError: odd" in err
    assert "--debug" in err


def test_ctrl_c_in_a_command_ends_with_130_and_says_what_is_safe(
    temper: Temper, monkeypatch: pytest.MonkeyPatch, workspace: Workspace
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("app.cli.runs.list_.open_workspace", interrupted)
    ended = temper("runs", "list")
    assert ended.code == ExitCode.INTERRUPTED
    assert "intact" in ended.err


def test_a_closed_pipe_is_no_error(workspace: Workspace) -> None:
    process = subprocess.Popen(
        command("models", "list"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert process.returncode == ExitCode.OK
    assert err == b""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_listed_command_is_built(temper: Temper, name: str) -> None:
    ended = temper(name, "--help")
    assert ended.code == ExitCode.OK
    assert f"Usage: temper {name}" in ended.out


def test_help_lists_every_command_and_loads_next_to_nothing() -> None:
    code = (
        "import sys\nfrom app.cli.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print('loaded', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    text, _, loaded = done.stdout.rpartition("loaded ")
    assert all(f"  {name} " in text for name in COMMANDS)
    heavy = {
        "textual",
        "rich",
        "torch",
        "msgspec",
        "tomlkit",
        "httpx",
        "numpy",
        "duckdb",
        "llama_cpp",
        "chromadb",
    }
    assert heavy.isdisjoint(loaded.split())


def test_the_help_line_of_each_command_stands_in_one_place(temper: Temper) -> None:
    out = click.unstyle(temper("--help").out)
    assert all(text.split()[0] in out for _, text in COMMANDS.values())
