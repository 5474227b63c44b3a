"""What every test runs under: no network, a home and leases of its own, UTC, and `gpu` tests only on a GPU.

All of it happens before the first test module is imported: libraries look for their folders then.
"""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from engine import offline

_OWN = Path(tempfile.mkdtemp(prefix="temper-tests-"))
# a user's choices would reach into the tests, and the tests into the user's folders
_DROPPED = ("TEMPER_ALLOW_NETWORK", "TEMPER_CACHE", "TEMPER_DEBUG", "HF_HOME", "HF_HUB_CACHE", "HF_TOKEN")
_FOLDERS = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR")


def pytest_configure(config: pytest.Config) -> None:
    """Settle the environment, which workers inherit, then close the network."""
    for name in _DROPPED + _FOLDERS:
        os.environ.pop(name, None)
    for name in ("home", "runtime"):
        (_OWN / name).mkdir(mode=0o700, exist_ok=True)
    os.environ.update(HOME=str(_OWN / "home"), TEMPER_RUNTIME_DIR=str(_OWN / "runtime"), TZ="UTC")
    time.tzset()
    # Neither a slow draw nor a slow case is a fault: other programs may have the processor.
    settings.register_profile("temper", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("temper")
    offline.guard()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    shutil.rmtree(_OWN, ignore_errors=True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a `gpu` test where there is none. Only then is torch imported: it takes more than a second."""
    if item.get_closest_marker("gpu") and (reason := missing_gpu()):
        pytest.skip(reason)


@functools.cache
def missing_gpu() -> str:
    """Why no test can use a GPU here; empty when there is one."""
    try:
        import torch
    except ImportError:
        return "torch is not installed"
    return "" if torch.cuda.is_available() else f"no CUDA device (torch {torch.__version__})"
