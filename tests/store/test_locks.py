"""Locks on files: one holder, freed by the kernel, looked at without harm."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from store.locks import FileLock, is_locked

ROOT = Path(__file__).resolve().parents[2]
HOLD = (
    "import sys; from pathlib import Path; from store.locks import FileLock\n"
    "lock = FileLock(Path(sys.argv[1])); assert lock.acquire(); lock.write(b'note')\n"
    "print('here', flush=True); sys.stdin.read()"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.lock"


def holder(path: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"here\n"
    return process


def test_only_one_holds_a_lock(path: Path) -> None:
    first, second = FileLock(path), FileLock(path)
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()


def test_a_lock_is_free_when_its_process_was_killed(path: Path) -> None:
    process = holder(path)
    assert is_locked(path)
    assert not FileLock(path).acquire()
    process.kill()
    process.communicate()
    assert not is_locked(path)


def test_the_note_of_a_killed_holder_is_gone_for_the_next(path: Path) -> None:
    process = holder(path)
    process.kill()
    process.communicate()
    assert path.read_bytes() == b"note"
    assert FileLock(path).acquire()
    assert path.read_bytes() == b""


def test_who_waits_gets_the_lock_when_it_becomes_free(path: Path) -> None:
    first, second = FileLock(path), FileLock(path)
    first.acquire()
    waiting = threading.Thread(target=second.acquire, args=(30.0,))
    waiting.start()
    first.release()
    waiting.join()
    assert second.held


def test_who_only_looks_does_not_keep_others_from_the_lock(path: Path) -> None:
    stop, lock = threading.Event(), FileLock(path)
    path.touch()

    def look() -> None:
        while not stop.is_set():
            is_locked(path)

    looking = [threading.Thread(target=look) for _ in range(2)]
    for one in looking:
        one.start()
    try:
        for _ in range(200):
            assert lock.acquire()
            lock.release()
    finally:
        stop.set()
        for one in looking:
            one.join()


def test_a_lock_that_was_never_taken_is_not_locked(path: Path) -> None:
    assert not is_locked(path)
    assert not path.exists()


def test_the_end_of_a_block_gives_the_lock_back(path: Path) -> None:
    lock = FileLock(path)
    lock.acquire()
    with lock:
        assert is_locked(path)
    assert not is_locked(path)


def test_a_note_needs_the_lock(path: Path) -> None:
    with pytest.raises(RuntimeError):
        FileLock(path).write(b"note")
