"""`temper eval add` without the command line: finds the failure, its suite and the file that it goes into."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.evals.adding import add_case, case_of_result, case_of_trace, find_result, find_trace
from engine.evals.suite import SHIPPED, LoadedSuite, find_suite, load_suite, named
from store import runs
from store.errors import MissingError, TemperError, UsageError
from store.records.evals import Case, Check
from store.workspace import Workspace


class Added(msgspec.Struct):
    """Where a case was written, and under which id."""

    path: str
    case: str


def add_failure(
    workspace: Workspace,
    suite: str,
    run: str,
    case_id: str,
    variant: str,
    expected: str | None,
    tags: list[str],
) -> Added:
    """Put a case of an evaluation into a suite. Raises UsageError or MissingError."""
    folder = runs.find(workspace.paths.runs, run, "evaluate")
    result = find_result(folder, case_id, variant)
    loaded = _suite_of(workspace, str(folder.spec().params.get("suite", "")))
    case = case_of_result(result, folder.run_id, loaded)
    checks = loaded.suite.checks if loaded is not None else [Check("exact")]
    return _add(workspace, suite, case, checks, expected, tags)


def add_trace(workspace: Workspace, suite: str, trace: str, expected: str | None, tags: list[str]) -> Added:
    """Put a served request into a suite. Without a right answer, the given one must not come again.

    The check is the case's own, so that requests with and without a right answer can share a suite; where the
    suite has checks, these judge a right answer.
    """
    case = case_of_trace(find_trace(workspace.paths, trace), expected)
    if expected is None:
        output = str(case.metadata["output"])
        case.checks = [Check("contains", options={"value": output, "absent": True})]
    elif not _has_checks(_path(workspace, suite), workspace.root):
        case.checks = [Check("similarity")]
    return _add(workspace, suite, case, [], expected, tags)


def _has_checks(path: Path, root: Path) -> bool:
    return path.exists() and bool(load_suite(path, root).suite.checks)


def _add(
    workspace: Workspace, suite: str, case: Case, checks: list[Check], expected: str | None, tags: list[str]
) -> Added:
    if expected is not None:
        case.expected = expected
    case.tags = list(dict.fromkeys([*case.tags, *tags]))
    path = _path(workspace, suite)
    _refuse_again(workspace, path, case)
    written = add_case(path, workspace.root, case, checks)
    return Added(named(workspace.root, path), written.id)


def _refuse_again(workspace: Workspace, path: Path, case: Case) -> None:
    """Raise UsageError where the suite has this very failure already."""
    if not path.exists():
        return
    cases = load_suite(path, workspace.root).suite.cases
    known = cases if isinstance(cases, list) else []
    if same := next((one for one in known if one.origin is not None and one.origin == case.origin), None):
        raise UsageError(
            "That failure is a case already",
            f"{path.name} has it as {same.id}.",
            "Edit it there; nothing was written.",
        )


def _path(workspace: Workspace, suite: str) -> Path:
    """The file of a suite in the workspace, there or not. Raises UsageError for one that ships."""
    try:
        path = find_suite(workspace.root, suite)
    except MissingError:
        return workspace.paths.evals / (suite if "." in suite else f"{suite}.yaml")
    if path in SHIPPED.values():
        raise UsageError(
            "That suite is Temper's own",
            f"{suite} is the same for everybody, so no case is added to it.",
            "Name a suite of yours; one that is not there yet is made.",
        )
    return path


def _suite_of(workspace: Workspace, reference: str) -> LoadedSuite | None:
    """The suite of a run; None where it is gone or broken by now."""
    try:
        return load_suite(find_suite(workspace.root, reference), workspace.root)
    except TemperError:
        return None
