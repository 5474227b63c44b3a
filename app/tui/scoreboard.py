"""What the evals screen lists: suites, and of each the newest scores of every variant.

Made from runs that the board knows and from the files in evals/. Knows no widget.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from app.tui.messages import RunNow
from store import labels
from store.errors import UsageError
from store.records.advice import Advice
from store.records.evals import VariantScore
from store.workspace import Workspace

By = Literal["checks", "slices"]


class Scored(msgspec.Struct):
    """A variant on a suite as its newest finished run found it; `history`: its scores, oldest first."""

    score: VariantScore
    run_id: str
    created: str
    history: list[float] = []


class Sheet(msgspec.Struct):
    """One suite: its variants, newest first; `runs` counts the finished runs behind them.

    `waiting` are the variants of temper.toml that were never measured on it, `blessed` is the one whose run a
    person made the baseline; empty where nobody did.
    """

    suite: str
    path: str = ""
    rows: list[Scored] = []
    runs: int = 0
    waiting: list[str] = []
    blessed: str = ""


class Cell(msgspec.Struct, frozen=True):
    """A share in [0, 1] with its 95% interval, where that is known; `n` answers, 0 where nobody counted."""

    value: float
    span: tuple[float, float] | None = None
    n: int = 0


def sheets(workspace: Workspace, runs: Iterable[RunNow]) -> list[Sheet]:
    """All suites: those with results first, the newest of them on top; then those that were never run.

    `runs` come newest first.
    """
    found: dict[str, Sheet] = {}
    files = {stem_of(path): path for path in suite_files(workspace)}
    for run in runs:
        if run.view.kind != "evaluate" or run.view.state != "finished" or "suite" not in run.view.result:
            continue
        suite = str(run.view.result["suite"])
        sheet = found.setdefault(suite, Sheet(suite))
        sheet.path = sheet.path or files.pop(stem_of_run(run), "")  # its name may be another than its file's
        sheet.runs += 1
        known = {row.score.name: row for row in sheet.rows}
        for score in msgspec.convert(run.view.result.get("variants", []), list[VariantScore]):
            if score.name in known:
                known[score.name].history.insert(0, score.score)
            else:
                sheet.rows.append(Scored(score, run.view.run_id, run.view.created, [score.score]))
    for stem, path in files.items():
        sheet = found.setdefault(stem, Sheet(stem))
        sheet.path = sheet.path or path
    decided = blessed(workspace)
    for sheet in found.values():
        measured = {row.score.name for row in sheet.rows}
        sheet.waiting = [name for name in workspace.config.variants if name not in measured]
        sheet.blessed = decided.get(sheet.suite, "")
    return list(found.values())


def blessed(workspace: Workspace) -> dict[str, str]:
    """By suite, the variant whose run a person made the baseline."""
    try:
        decided = labels.latest(labels.read(workspace.paths, "baseline"))
    except UsageError:  # comparing says what is wrong with the file; suites are shown all the same
        return {}
    return {suite: label.value.partition(":")[2] for suite, label in decided.items()}


def run_on(sheet: Sheet, runs: Iterable[RunNow]) -> RunNow | None:
    """The newest evaluation of a suite, in whatever state. `runs` come newest first."""
    names = (sheet.suite, stem_of(sheet.path))
    return next(
        (run for run in runs if run.view.kind == "evaluate" and stem_of_run(run) in names),
        None,
    )


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


def stem_of_run(run: RunNow) -> str:
    """`support`, the file that an evaluation was of, by the title that it got when it was started."""
    return run.view.title.partition(":")[0]


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
        if value is None:
            return None
        return Cell(value, score.checks_ci95.get(column), score.checks_n.get(column, 0))
    found = score.slices.get(column)
    if found is None:
        return None
    return Cell(found.score, found.ci95, found.n)


def overall(score: VariantScore) -> Cell:
    """The share of all answers that passed."""
    return Cell(score.score, score.ci95, score.n)
