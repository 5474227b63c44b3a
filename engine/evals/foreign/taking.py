"""`temper eval import` without the command line: a file of another tool in, a suite of the workspace out."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.evals.checks.registry import kind_of
from engine.evals.foreign.imported import Imported, Left
from engine.evals.foreign.reading import read_foreign
from engine.evals.suite import load_suite
from engine.evals.suite.writing import check_name, write_suite
from store.errors import UsageError
from store.records.evals import Check
from store.workspace import Workspace

RUBRIC = "The answer says the same as the expected one and adds nothing that is wrong."


class Taken(msgspec.Struct):
    """What was written. `path` is from the workspace; `problems` stand between the suite and its first run,
    such as a judge that nobody named.
    """

    suite: str
    path: str
    cases: int
    form: str
    checks: list[str]
    left: list[Left]
    problems: list[str]


def take(workspace: Workspace, file: Path, name: str | None, force: bool, check: str = "") -> Taken:
    """Write evals/NAME.yaml, under a comment of what could not be taken over. Raises UsageError.

    `check` is the kind of check for rows in whose file no scorer stands.
    """
    imported = read_foreign(file, _wished(check))
    suite = imported.suite
    suite.name = name or suite.name
    check_name(suite.name)
    path = workspace.paths.evals / f"{suite.name}.yaml"
    if path.resolve() == file.resolve():
        raise UsageError(
            "The file would be written over", f"{file} is where the suite would go.", "Give it a --name."
        )
    write_suite(path, suite, _says(imported, file), force)
    problems: list[str] = []
    try:
        load_suite(path, workspace.root)
    except UsageError as error:  # what is written is kept: only its user can name a judge or mend a schema
        problems = error.happened.splitlines()
    own = [check for case in imported.cases for check in case.checks]
    return Taken(
        suite=suite.name,
        path=str(path.relative_to(workspace.root)),
        cases=len(suite.cases) if isinstance(suite.cases, list) else 0,
        form=imported.form,
        checks=list(dict.fromkeys(check.kind for check in [*suite.checks, *own])),
        left=imported.left,
        problems=problems,
    )


def _wished(kind: str) -> Check | None:
    if not kind:
        return None
    try:
        kind_of(kind)
    except ValueError as error:
        raise UsageError("No such check", f"{error}.", "See them: docs/evals.md") from error
    return Check(kind, options={"rubric": RUBRIC} if kind == "judge" else {})


def _says(imported: Imported, file: Path) -> str:
    left = (f"Not taken over: {' '.join(str(one).split())}" for one in imported.left)
    return "\n".join([f"Taken over from {file.name} ({imported.form}).", *left])
