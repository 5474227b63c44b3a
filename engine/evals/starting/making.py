"""`temper eval new` without the command line: rows or failures in, files of a suite out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from engine.evals.cases import case_of, spread
from engine.evals.starting.assembling import Started, Wishes, assemble
from engine.evals.starting.failures import read_failures
from engine.evals.starting.trajectories import as_trajectory
from engine.evals.suite import load_suite
from engine.evals.suite.writing import check_name, write_suite
from engine.evals.table import SUFFIXES
from store import atomic
from store.errors import UsageError
from store.records.evals import Case, CasesFrom
from store.workspace import Workspace


class Made(msgspec.Struct):
    """What was written. `path` is from the workspace; `kinds` counts answers of each kind."""

    suite: str
    path: str
    cases: int
    kinds: dict[str, int]
    checks: list[str]
    judge: str
    notes: list[str]


def make(
    workspace: Workspace,
    name: str,
    source: str,
    columns: Mapping[str, str],
    limit: int | None,
    wishes: Wishes,
    force: bool,
    here: Path,
    encoding: str = "",
    header: bool = True,
) -> Made:
    """Write evals/NAME.yaml, and beside it the schema of JSON answers. Raises UsageError or MissingError.

    `source` is a dataset's split, or a CSV file as seen from `here`, of which `columns`, `encoding` and
    `header` say how it is read.
    """
    check_name(name)
    wishes.judge = workspace.config.defaults.judge or ""
    wishes.knowledge = bool(workspace.config.knowledge)
    wishes.schema_file = f"schemas/{name}.json"
    file = here / Path(source).expanduser()
    notes: list[str] = []
    reference: CasesFrom | None = None
    if source.endswith(SUFFIXES) or file.is_file():
        failures = read_failures(file, columns, encoding, header)
        cases, notes = spread(failures.cases, limit), failures.notes
    else:
        cases, reference = _rows(workspace, source, limit), CasesFrom(source, limit)
    started = assemble(name, cases, reference, wishes)
    started.notes = [*notes, *started.notes]
    path = workspace.paths.evals / f"{name}.yaml"
    write_suite(path, started.suite, _says(source), force, started.whys)
    if started.schema is not None:
        schema = workspace.paths.evals / wishes.schema_file
        schema.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(schema, msgspec.json.format(msgspec.json.encode(started.schema)) + b"\n")
    load_suite(path, workspace.root)
    return _made(started, str(path.relative_to(workspace.root)), len(cases), wishes)


def _rows(workspace: Workspace, source: str, limit: int | None) -> list[Case]:
    """The cases of a dataset's split, those with calls played."""
    from engine.data.ensure import ensure_dataset
    from store import datasets

    ensure_dataset(workspace, source)
    rows = datasets.read_rows(workspace.paths, source)
    if not rows:
        raise UsageError("The dataset has no rows there", f"{source} holds none.", "Hold some rows out.")
    return [as_trajectory(case_of(row), row) for row in spread(rows, limit)]


def _says(source: str) -> str:
    return (
        f"Made from {source} with starting checks: look at them, they were chosen from the answers alone.\n"
        "Checks and their options: docs/evals.md. A case that matters most gets the tag critical."
    )


def _made(started: Started, path: str, count: int, wishes: Wishes) -> Made:
    cases = started.suite.cases
    names = list(dict.fromkeys(check.kind for check in started.suite.checks))
    own = [check.kind for case in cases for check in case.checks] if isinstance(cases, list) else []
    return Made(
        suite=started.suite.name,
        path=path,
        cases=len(cases) if isinstance(cases, list) else count,
        kinds=started.kinds,
        checks=list(dict.fromkeys([*names, *own])),
        judge=wishes.judge if any(name.startswith("judge") for name in names) else "",
        notes=started.notes,
    )
