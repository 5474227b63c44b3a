"""What every test runs under: no network, own home, leases and temporary files, UTC, a GPU for `gpu` tests.

All of it happens before the first test module is imported: libraries look for their folders then. At the end
no process may be left.
"""

from __future__ import annotations

import functools
import gc
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings

from engine import offline
from tests.converters import forked

_OWN = Path(tempfile.mkdtemp(prefix="temper-tests-"))
# a user's choices would reach into the tests, and the tests into the user's folders
_DROPPED = ("TEMPER_ALLOW_NETWORK", "TEMPER_CACHE", "TEMPER_DEBUG", "HF_HOME", "HF_HUB_CACHE", "HF_TOKEN")
_FOLDERS = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR")
_MEMORY = 4 << 30
"""Bytes of main memory for a process that runs tests, with the workers it starts."""
_MOST_PROCESSES = 8
"""With more, each would make the models for itself that its few files share."""
_MARK = "TEMPER_TESTS"
"""In the environment of every process that a test starts, and of all that those start."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes `scripts/test` takes: one a core as memory allows; none for a single file."""
    if len(config.args) == 1 and Path(config.args[0].partition("::")[0]).is_file():
        return 0
    fit = psutil.virtual_memory().available // _MEMORY
    return max(1, min(len(os.sched_getaffinity(0)), fit, _MOST_PROCESSES))


def pytest_configure(config: pytest.Config) -> None:
    """Settle the environment, which workers inherit, then close the network."""
    for name in _DROPPED + _FOLDERS:
        os.environ.pop(name, None)
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # pytest's own folders stay a while
    for name in ("home", "runtime", "tmp"):
        (_OWN / name).mkdir(mode=0o700, exist_ok=True)
    os.environ.update(HOME=str(_OWN / "home"), TEMPER_RUNTIME_DIR=str(_OWN / "runtime"), TZ="UTC")
    os.environ["TMPDIR"] = tempfile.tempdir = str(_OWN / "tmp")  # what a killed process has left goes with it
    os.environ[_MARK] = str(_OWN)
    os.environ["OMP_NUM_THREADS"] = "1"  # models of these sizes only wait for a second thread
    time.tzset()
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:  # begun in the background, or by nohup
            signal.signal(number, lambda *_: None)  # as deaf as before, yet children hear it again
    # Neither a slow draw nor a slow case is a fault: other programs may have the processor.
    settings.register_profile("temper", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("temper")
    offline.guard()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let the collector pass over what the test modules have imported: it is never garbage."""
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    shutil.rmtree(_OWN, ignore_errors=True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a `gpu` test where there is none. Only then is torch imported: it takes more than a second."""
    if item.get_closest_marker("gpu") and (reason := missing_gpu()):
        pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def nothing_left_running() -> Iterator[None]:
    """Set up before every other fixture, so it looks after them. The folder in a command names the test."""
    yield
    deadline = time.monotonic() + 60
    while left := _running():
        if time.monotonic() > deadline:
            pytest.fail("\n".join(["left running by tests:", *left]))
        time.sleep(0.05)


def _running() -> list[str]:
    """Commands of processes with our mark, whoever is their parent; a resource tracker is ended by Python."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # gone meanwhile, a zombie, or another user's
            if process.pid != os.getpid() and process.environ().get(_MARK) == str(_OWN):
                found.append(" ".join(process.cmdline()))
    return [command for command in found if "multiprocessing.resource_tracker" not in command]


@pytest.fixture(scope="session", autouse=True)
def forked_converters(nothing_left_running: None) -> Iterator[None]:
    """A conversion without its two seconds of imports."""
    with forked():
        yield


@pytest.fixture(autouse=True)
def gpus_stay_in_sight() -> Iterator[None]:
    """A job that does not queue for the GPU hides it from its process, here also that of the next test."""
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    yield
    if before is None:
        os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    else:
        os.environ["CUDA_VISIBLE_DEVICES"] = before


@functools.cache
def missing_gpu() -> str:
    """Why no test can use a GPU here; empty when there is one."""
    try:
        import torch
    except ImportError:
        return "torch is not installed"
    return "" if torch.cuda.is_available() else f"no CUDA device (torch {torch.__version__})"
