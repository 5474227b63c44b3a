"""Which checks there are: each name is made by some module, and each module can be made."""

from __future__ import annotations

import importlib
import sys

import pytest

from engine.data.checks.contract import CannotRun
from engine.data.checks.registry import NAMES, ROW_SCANS, SET_CHECKS, Entry, load_check, make_scan
from store.records.findings import CheckSettings


def test_every_check_has_an_entry() -> None:
    assert {name for entry in (*ROW_SCANS, *SET_CHECKS) for name in entry.checks} == set(NAMES)


@pytest.mark.parametrize("entry", [*ROW_SCANS, *SET_CHECKS], ids=lambda entry: entry.target)
def test_every_entry_names_something_that_can_be_called(entry: Entry) -> None:
    module, attribute = entry.target.split(":")
    assert callable(getattr(importlib.import_module(module), attribute))


@pytest.mark.parametrize("entry", ROW_SCANS, ids=lambda entry: entry.target)
def test_every_scan_reports_under_the_names_of_its_entry(entry: Entry) -> None:
    try:
        scan = make_scan(entry, CheckSettings())
    except CannotRun:  # without a model there is no tokenizer
        assert entry.checks == ("truncation", "no_trained_token")
        return
    assert all(kind.check in entry.checks for kind in scan.kinds)
    assert all(kind.id.partition("/")[0] == kind.check for kind in scan.kinds)
    assert len({kind.id for kind in scan.kinds}) == len(scan.kinds)


def test_a_check_whose_package_is_absent_cannot_run_and_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ftfy", None)
    with pytest.raises(CannotRun, match="ftfy"):
        make_scan(Entry(("encoding",), "engine.data.checks.encoding:scans"), CheckSettings())
    with pytest.raises(CannotRun, match="nowhere"):
        load_check(Entry(("schema",), "engine.data.checks.nowhere:check"))
