"""The results of eval runs, read back from their folders: which run has what, case by case.

The files are read, not the ledger: a run that is not folded yet counts too. Knows nothing of statistics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from engine.evals import stored
from store import runs
from store.errors import MissingError, UsageError
from store.records.evals import CaseResult
from store.runs import RunFolder
from store.workspace import Workspace


def results_of(folder: RunFolder, variant: str = "") -> list[CaseResult]:
    """A run's results, of one variant where it is named, in the order they came; torn lines are left out.

    Raises MissingError where the run has none, UsageError where it has none of that variant.
    """
    found = list(read(folder))
    if not found:
        raise MissingError(
            "That run has no results",
            f"{folder.run_id} answered no case.",
            f"See how it went with: temper runs show {folder.run_id}",
        )
    if not variant:
        return found
    of_it = [result for result in found if result.variant == variant]
    if not of_it:
        names = ", ".join(dict.fromkeys(result.variant for result in found))
        raise UsageError(
            "That run did not evaluate that variant",
            f"{folder.run_id} has results of {names}, none of {variant!r}.",
            f"Name one of them: {folder.run_id}:VARIANT",
        )
    return of_it


def why_unjudged(folder: RunFolder, variant: str) -> list[tuple[str, int]]:
    """What kept checks from a verdict on the variant's answers, how often; the most frequent first."""
    errors = Counter(
        f"{check.kind}: {check.error}"
        for result in read(folder)
        if result.variant == variant
        for check in result.checks
        if check.error
    )
    return errors.most_common()


def read(folder: RunFolder) -> Iterator[CaseResult]:
    """Every result that can be read."""
    return stored.read(folder.results)


def find_eval_run(workspace: Workspace, reference: str) -> RunFolder | None:
    """The eval run that `reference` means by its id or a unique prefix; None where it means other things."""
    if not reference or reference == "last" or reference in workspace.config.variants:
        return None
    try:
        folder = runs.find(workspace.paths.runs, reference)
    except UsageError:
        return None
    return folder if folder.spec().job == "evaluate" else None


def newest(workspace: Workspace, suite: str = "", variant: str = "") -> RunFolder | None:
    """The newest eval run with results of the suite and the variant, where these are named."""
    for folder in runs.list_folders(workspace.paths.runs, "evaluate"):
        if any(
            (not suite or result.suite == suite) and (not variant or result.variant == variant)
            for result in read(folder)
        ):
            return folder
    return None
