"""Several real processes at one ledger: killed in mid-fold, folding and reading at once, locked out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from store import ledger
from store.errors import BusyError, ExitCode
from store.ledger import connection
from store.paths import WorkspacePaths
from store.records.events import Finished
from tests.store.ledger.stage import content, delete, make_run, steps, write_events

ROOT = Path(__file__).resolve().parents[3]


def start(mode: str, paths: WorkspacePaths, *arguments: object) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "tests.store.ledger.process",
        mode,
        str(paths.root),
        *map(str, arguments),
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@contextmanager
def standing(mode: str, paths: WorkspacePaths, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process that said `here` and does nothing more; killed with -9 when the block ends."""
    process = start(mode, paths, *arguments)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "here\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("after", [1, 4, 6])
def test_a_kill_in_mid_fold_neither_loses_nor_doubles_a_row(full: WorkspacePaths, after: int) -> None:
    with standing("stop", full, after):
        pass
    survived = content(full)
    delete(full)
    assert content(full) == survived


def test_processes_that_fold_and_read_at_once_see_every_row_once(paths: WorkspacePaths) -> None:
    growing = make_run(paths, "train-1", "train")
    readers = [start("read", paths, 15) for _ in range(2)]
    logged = 0
    while any(reader.poll() is None for reader in readers):
        write_events(growing, steps(logged + 1, logged + 50))
        logged += 50
        ledger.fold(paths)
    write_events(growing, [Finished(status="finished")])
    for reader in readers:
        counts = [int(line) for line in reader.communicate()[0].split()]
        assert reader.returncode == 0
        assert len(counts) == 15
        assert counts == sorted(counts)
    found = ledger.query(paths, "SELECT count(*), count(DISTINCT step), max(step) FROM steps").rows
    assert found == [[logged, logged, logged]]


def test_a_ledger_that_another_program_holds_is_reported_with_its_pid(
    full: WorkspacePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.fold(full)
    monkeypatch.setattr(connection, "PATIENCE_SECONDS", 0.2)
    with standing("hold", full) as holder, pytest.raises(BusyError, match=f"pid {holder.pid}") as refused:
        ledger.query(full, "SELECT 1")
    assert refused.value.exit_code == ExitCode.BUSY
    assert ledger.query(full, "SELECT 1").rows == [[1]]


def test_a_ledger_that_another_temper_holds_is_reported_with_its_pid(
    full: WorkspacePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PATIENCE_SECONDS", 0.2)
    with standing("stop", full, 1) as holder, pytest.raises(BusyError, match=f"pid {holder.pid}"):
        ledger.fold(full)


def test_a_program_that_lets_go_in_time_is_waited_for(
    full: WorkspacePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.fold(full)
    pauses: list[float] = []
    with standing("hold", full) as holder:

        def let_go(seconds: float) -> None:
            pauses.append(seconds)
            holder.kill()
            holder.wait()

        monkeypatch.setattr("store.ledger.connection.time.sleep", let_go)
        assert ledger.query(full, "SELECT count(*) FROM runs").rows == [[4]]
    assert len(pauses) == 1


def test_ctrl_c_ends_a_long_query(full: WorkspacePaths) -> None:
    with standing("long", full) as asking:
        asking.send_signal(signal.SIGINT)
        assert asking.communicate(timeout=60)[0] == "interrupted\n"


def test_a_turn_is_free_again_when_its_holder_is_killed(full: WorkspacePaths) -> None:
    with standing("stop", full, 1):
        pass
    with connection.turn(full):
        assert (full.derived / "ledger.lock").read_text() == str(os.getpid())
