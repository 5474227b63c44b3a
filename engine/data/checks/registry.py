"""Which checks there are, and where each is made. A check's module is imported only when the check runs.

A check whose package is absent does not run, and says so. Knows nothing of what a check does.
"""

from __future__ import annotations

import importlib
from typing import cast, get_args

import msgspec

from engine.data.checks.contract import CannotRun, RowScan, SetCheck
from store.records.findings import CheckName, CheckSettings

NAMES: tuple[CheckName, ...] = get_args(CheckName)


class Entry(msgspec.Struct, frozen=True):
    """A check, or a family that is made together: the names it reports under, and its `module:attribute`.

    A row scan's attribute is `scans(settings) -> RowScan`, a set check's is the check itself.
    """

    checks: tuple[CheckName, ...]
    target: str


ROW_SCANS: tuple[Entry, ...] = (
    Entry(("empty",), "engine.data.checks.empty:scans"),
    Entry(("encoding",), "engine.data.checks.encoding:scans"),
    Entry(("language",), "engine.data.checks.language:scans"),
    Entry(("roles",), "engine.data.checks.roles:scans"),
    Entry(("schema",), "engine.data.checks.schema:scans"),
    Entry(("truncation", "no_trained_token"), "engine.data.checks.tokens:scans"),
    Entry(("pii",), "engine.data.checks.pii:scans"),
    Entry(("secret",), "engine.data.checks.secrets:scans"),
    Entry(("perishable",), "engine.data.checks.perishable:scans"),
)

SET_CHECKS: tuple[Entry, ...] = (
    Entry(("exact_duplicate",), "engine.data.checks.duplicates:check"),
    Entry(("near_duplicate",), "engine.data.checks.near_duplicates:check"),
    Entry(("label_conflict",), "engine.data.checks.conflicts:check"),
    Entry(("preference_conflict",), "engine.data.checks.preferences:check"),
    Entry(("leakage",), "engine.data.checks.leakage:check"),
    Entry(("imbalance",), "engine.data.checks.balance:check"),
    Entry(("length_bias",), "engine.data.checks.length_bias:check"),
    Entry(("coverage",), "engine.data.checks.coverage:check"),
    Entry(("schema",), "engine.data.checks.schema:agreement"),
    Entry(("serving_mismatch",), "engine.data.checks.serving_mismatch:check"),
    Entry(("off_task",), "engine.data.checks.off_task:check"),
    Entry(("already_known",), "engine.data.checks.already_known:check"),
)


def make_scan(entry: Entry, settings: CheckSettings) -> RowScan:
    """A row scan, ready to use. Raises CannotRun where something it needs is absent."""
    return cast(RowScan, _load(entry, settings))


def load_check(entry: Entry) -> SetCheck:
    """A set check's function. Raises CannotRun where a package it needs is absent."""
    return cast(SetCheck, _attribute(entry))


def _load(entry: Entry, settings: CheckSettings) -> object:
    try:
        factory = _attribute(entry)
        return factory(settings)  # type: ignore[operator]  # the registry's own tables say what it is
    except ImportError as error:
        raise absent(error) from error


def _attribute(entry: Entry) -> object:
    module, attribute = entry.target.split(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise absent(error) from error


def absent(error: ImportError) -> CannotRun:
    """What a report says where a package is missing."""
    package = (error.name or "a package").partition(".")[0]
    return CannotRun(f"{package} cannot be imported here ({error})")
