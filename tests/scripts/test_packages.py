"""Pins and progress of set-up's packages, and that constraints.txt is complete."""

from __future__ import annotations

import functools
import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from set_up import packages
from set_up.console import SetupError
from set_up.packages import Venv, pinned

from tests.scripts.conftest import ROOT

PINS = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if re.match(r"[\w.-]+==", line)
)


def needed(distribution: str, extra: str = "") -> Iterator[str]:
    """The names that a distribution needs here, canonical."""
    for line in importlib.metadata.requires(distribution) or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield canonicalize_name(requirement.name)


@functools.cache
def all_needed() -> set[str]:
    """Everything that set-up installs, found by following each package's own word."""
    waiting, seen = [*needed("temper"), *needed("temper", "dev")], set[str]()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += needed(name)
    return seen | set(packages.BUILD_TOOLS)


def test_every_package_that_gets_installed_is_pinned() -> None:
    assert sorted(all_needed() - set(PINS)) == []


def test_what_is_installed_is_what_the_pins_say() -> None:
    installed = {name: importlib.metadata.version(name).partition("+")[0] for name in all_needed()}
    assert installed == {name: PINS[name] for name in installed}


def test_pins_are_sorted_and_given_once() -> None:
    blocks = (ROOT / "constraints.txt").read_text().split("\n\n")
    for block in blocks:
        names = [line.partition("==")[0] for line in block.splitlines() if not line.startswith("#")]
        assert names == sorted(set(names))


def test_a_pin_is_read_from_the_constraints(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("# a comment\ntorch-extra==9\ntorch==2.13.0\n")
    assert pinned(tmp_path / "c.txt", "torch") == "2.13.0"


def test_a_missing_pin_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("torch==2.13.0\n")
    with pytest.raises(SetupError, match="a pin is missing") as caught:
        pinned(tmp_path / "c.txt", "numpy")
    assert "numpy" in caught.value.cause


def test_pips_progress_is_its_last_word() -> None:
    assert (
        packages.pip_progress("Collecting a\nDownloading b-1.whl (3 MB)\nnoise\n", 1.0)
        == "Downloading b-1.whl"
    )
    assert packages.pip_progress("noise", 1.0) == ""


def test_an_environment_that_lost_its_embedder_is_not_complete(tmp_path: Path) -> None:
    venv = Venv(tmp_path)
    for file in (venv.python, venv.temper, venv.share / "embedders" / "a.gguf"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert venv.looks_complete()
    (venv.share / "embedders" / "a.gguf").unlink()
    assert not venv.looks_complete()


def test_the_callers_python_settings_stay_out_of_other_pythons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert "PYTHONPATH" not in packages.clean_environment()
