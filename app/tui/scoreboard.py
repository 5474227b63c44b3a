"""What the evals screen lists: suites, and of each the newest scores of every variant.

Made from runs that the board knows and from the files in evals/. Knows no widget.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from app.tui.messages import RunNow
from store.records.advice import Advice
from store.records.evals import VariantScore
from store.workspace import Workspace

By = Literal["checks", "slices"]


class Scored(msgspec.Struct):
    """A variant on a suite as its newest finished run found it."""

    score: VariantScore
    run_id: str
    created: str


class Sheet(msgspec.Struct):
    """One suite: its variants, newest first; `runs` counts the finished runs behind them."""

    suite: str
    path: str = ""
    rows: list[Scored] = []
    runs: int = 0


class Cell(msgspec.Struct, frozen=True):
    """A share in [0, 1] with its standard error, where that is known."""

    value: float
    stderr: float | None = None


def sheets(workspace: Workspace, runs: Iterable[RunNow]) -> list[Sheet]:
    """All suites: those with results first, the newest of them on top; then those that were never run.

    `runs` come newest first.
    """
    found: dict[str, Sheet] = {}
    for run in runs:
        if run.view.kind != "evaluate" or run.view.state != "finished" or "suite" not in run.view.result:
            continue
        suite = str(run.view.result["suite"])
        sheet = found.setdefault(suite, Sheet(suite))
        sheet.runs += 1
        known = {row.score.name for row in sheet.rows}
        scores = msgspec.convert(run.view.result.get("variants", []), list[VariantScore])
        sheet.rows += [
            Scored(score, run.view.run_id, run.view.created) for score in scores if score.name not in known
        ]
    for path in suite_files(workspace):
        stem = stem_of(path)
        found.setdefault(stem, Sheet(stem)).path = path
    return list(found.values())


def advice_on(sheet: Sheet, runs: Iterable[RunNow]) -> tuple[RunNow | None, Advice | None]:
    """The newest run of the advisor on a suite, and the newest advice there is. `runs` come newest first."""
    newest: RunNow | None = None
    for run in runs:
        if run.view.kind != "advise" or run.view.title not in (sheet.suite, stem_of(sheet.path)):
            continue
        newest = newest or run
        if "advice" in run.view.result:
            return newest, msgspec.convert(run.view.result["advice"], Advice)
    return newest, None


def stem_of(path: str) -> str:
    """`support` of `evals/support.yaml`."""
    return path.rpartition("/")[2].partition(".")[0]


def suite_files(workspace: Workspace) -> list[str]:
    """The suites of evals/, as paths that the command line takes."""
    folder = workspace.paths.evals
    files = [path for pattern in ("*.yaml", "*.yml", "*.jsonl") for path in folder.glob(pattern)]
    return sorted(str(path.relative_to(workspace.root)) for path in files)


def columns(rows: Sequence[Scored], by: By) -> list[str]:
    """What the variants of a sheet were measured by, in the order in which it first appears."""
    named = [row.score.checks if by == "checks" else row.score.slices for row in rows]
    return list(dict.fromkeys(name for names in named for name in names))


def cell(score: VariantScore, by: By, column: str) -> Cell | None:
    """One field of the matrix; None where the variant was not measured by it."""
    if by == "checks":
        value = score.checks.get(column)
        return Cell(value, score.checks_stderr.get(column)) if value is not None else None
    found = score.slices.get(column)
    return Cell(found.score, found.stderr) if found is not None else None
