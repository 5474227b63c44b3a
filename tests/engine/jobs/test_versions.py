"""Versions kept with a result: of what is installed, without insisting on any package."""

from __future__ import annotations

from importlib.metadata import version

from engine.jobs.versions import versions


def test_installed_packages_are_said_and_absent_ones_left_out() -> None:
    assert versions(("peft", "no-such-package")) == {"peft": version("peft")}


def test_what_decides_a_result_is_said_without_being_asked_for() -> None:
    assert versions()["transformers"] == version("transformers")
