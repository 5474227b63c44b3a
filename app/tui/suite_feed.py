"""Suites as they come to be from the screen: of held-out rows, and of failures and chats one by one.

Reads and writes files: call it in threads. Knows no widget; which checks fit is engine.evals'.
"""

from __future__ import annotations

from store import datasets
from store.records.evals import Origin
from store.workspace import Workspace

CHATTED = "chat-failures"  # the suite of turns that were kept from the chat


def sources(workspace: Workspace) -> list[tuple[str, str]]:
    """What a suite can be made of, with what is said about it: held-out splits first, tables last."""
    found = []
    for name in datasets.names(workspace.paths):
        info = datasets.load_info(workspace.paths, name)
        splits = sorted(info.splits.items(), key=lambda item: item[0] == "train")
        found += [
            (f"{name}/{split}", f"{rows:,} rows" + (", trained on" if split == "train" else ""))
            for split, rows in splits
            if rows
        ]
    known = set(datasets.names(workspace.paths))
    found += [
        (name if not settings.heldout else f"{name}/heldout", f"imported from {settings.source} first")
        for name, settings in workspace.config.datasets.items()
        if name not in known
    ]
    tables = sorted(workspace.root.glob("*.csv")) + sorted(workspace.root.glob("data/*.csv"))
    return found + [(str(path.relative_to(workspace.root)), "a table of failures") for path in tables]


def make(workspace: Workspace, name: str, source: str) -> str:
    """Write a suite with starting checks; one line about it. Raises what making raises."""
    from engine.evals.starting.assembling import Wishes
    from engine.evals.starting.making import make as make_suite

    made = make_suite(workspace, name, source, {}, None, Wishes(), False, workspace.root)
    return f"{made.path}: {made.cases} cases, checks {', '.join(made.checks)}"


def keep(workspace: Workspace, suite: str, run: str, case: str, variant: str) -> str:
    """Put a failed case of a run into a suite, which is made where it is not there; where it is now."""
    from engine.evals.collecting import add_failure

    added = add_failure(workspace, suite, run, case, variant, None, [])
    return f"{added.path}: {added.case}"


def keep_trace(workspace: Workspace, trace: str, expected: str) -> str:
    """Put a request from the chat into the suite of those, with its right answer or ""; where it is now."""
    from engine.evals.collecting import add_trace

    added = add_trace(workspace, CHATTED, trace, expected or None, [])
    return f"{added.path}: {added.case}"


def origins(workspace: Workspace, path: str) -> dict[str, Origin]:
    """Where the cases of a suite's file came from, by their ids; none where it cannot be read."""
    from engine.evals.suite import load_suite
    from store.errors import TemperError

    file = workspace.root / path
    if not path or not file.is_file() or b"origin" not in file.read_bytes():
        return {}  # reading thousands of cases takes seconds
    try:
        cases = load_suite(file, workspace.root).suite.cases
    except TemperError:
        return {}
    listed = cases if isinstance(cases, list) else []
    return {case.id: case.origin for case in listed if case.origin is not None}
