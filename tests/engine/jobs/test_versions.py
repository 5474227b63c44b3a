"""Versions kept with a result: of what is installed, without insisting on any package."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from engine.jobs import versions


def test_installed_packages_are_said_and_absent_ones_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_PACKAGES", ("peft", "no-such-package"))
    assert versions.versions() == {"peft": version("peft")}
