"""What triage looks at, read from run folders, files and labels; and decisions, written as labels.

How failures are guessed, grouped and judged is engine.evals.triage's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from engine.evals.triage.board import board, decision_on
from engine.evals.triage.complaints import read_complaints
from engine.evals.triage.guessing import failures_of
from engine.evals.triage.witnesses import BARE, failures_of_advice
from engine.jobs.advising.ways import plain_variant
from engine.jobs.embed_texts import configured
from engine.jobs.eval_results import newest, read, results_of
from engine.jobs.triage_means import means_of
from store import labels, runs
from store.errors import MissingError, UsageError
from store.records.evals import CaseResult
from store.records.labels import Label
from store.records.triage import CATEGORIES, Category, Failure, FailureGroup, Triage
from store.runs import RunFolder
from store.workspace import Workspace

ANSWERING = ("evaluate", "advise")
"""The jobs whose results can be triaged."""
REMEMBERED = 5
"""So many runs of a suite are looked back at."""


def of_run(workspace: Workspace, reference: str | None, variant: str = "") -> Triage:
    """The failures of an eval run, the newest when none is named, with how they went in earlier ones.

    Of several variants the failures of all are looked at, unless one is named; earlier runs count where all
    these variants answered, else a fall would be that of a variant which was not asked. Of a run of advice
    those of the prompt as it is, or of the approach that `variant` names. Raises MissingError where there is
    no run or it has no results, UsageError where the reference means none.
    """
    run = named_run(workspace, reference)
    if run.spec().job == "advise":
        return of_advice(workspace, run, variant or BARE)
    results = results_of(run, variant)
    suite = results[0].suite
    variants = {result.variant for result in results}
    earlier = [
        (folder.run_id, ", ".join(sorted(variants)), failures_of(found, folder.run_id))
        for folder in earlier_runs(workspace, run)
        if (found := [one for one in read(folder) if one.suite == suite and one.variant in variants])
        and {one.variant for one in found} == variants
    ]
    failures = failures_of(results, run.run_id, by_case(workspace, run, results))
    means = means_of(workspace, str(run.spec().params.get("suite") or ""), variant or min(variants))
    return board(
        run.run_id, failures, decisions(workspace), earlier[-REMEMBERED:], means, configured(workspace)
    )


def of_advice(workspace: Workspace, run: RunFolder, approach: str) -> Triage:
    """The failures of one approach. Raises what `results_of` raises."""
    results_of(run, approach)
    params = run.spec().params
    variant = str(params["wanted"]["variant"])
    with suppress(UsageError):  # where it was looked for and is gone by now, its commands are left out
        variant = variant or plain_variant(workspace)
    means = means_of(workspace, str(params["suite"]), variant)
    failures = failures_of_advice(read(run), run.run_id, approach)
    return board(run.run_id, failures, decisions(workspace), means=means, embed=configured(workspace))


def of_file(
    workspace: Workspace, path: Path, named: Mapping[str, str] | None = None, encoding: str = ""
) -> Triage:
    """The complaints of a file. Raises UsageError or MissingError for one that cannot be read."""
    read = read_complaints(path, named, encoding)
    embed = configured(workspace)
    found = board(path.name, read.failures, decisions(workspace), means=means_of(workspace), embed=embed)
    found.columns = read.columns
    return found


def named_run(workspace: Workspace, reference: str | None) -> RunFolder:
    """The run of evaluation or advice that is meant."""
    if reference is None or reference == "last":
        run = newest(workspace)
        if run is None:
            raise MissingError(
                "There is nothing to triage yet",
                "No suite was evaluated in this workspace.",
                "Run one: temper eval SUITE --variant V, or bring complaints: temper triage --csv FILE",
            )
        return run
    run = runs.find(workspace.paths.runs, reference)
    if run.spec().job not in ANSWERING:
        raise UsageError(
            "That run answered no suite",
            f"{run.run_id} is of another kind.",
            "Name a run of eval or advise: temper runs list",
        )
    return run


def earlier_runs(workspace: Workspace, run: RunFolder) -> list[RunFolder]:
    """The eval runs before a run, oldest first."""
    folders = runs.list_folders(workspace.paths.runs, "evaluate")
    created = run.spec().created
    return [folder for folder in reversed(folders) if folder.spec().created < created]


def by_case(
    workspace: Workspace, run: RunFolder, results: Sequence[CaseResult]
) -> dict[str, list[CaseResult]]:
    """What other variants answered to the cases of a run, in it and in the newest runs of its suite."""
    found: dict[str, list[CaseResult]] = defaultdict(list)
    asked = {(result.case, result.input) for result in results}
    mine = {result.variant for result in results} if len({one.variant for one in results}) == 1 else set()
    for folder in [run, *earlier_runs(workspace, run)[-REMEMBERED:]]:
        for result in read(folder):
            same = result.suite == results[0].suite and (result.case, result.input) in asked
            if same and result.variant not in mine:
                found[result.case].append(result)
    return dict(found)


def decisions(workspace: Workspace) -> dict[str, Label]:
    """The category that holds for each target."""
    return labels.latest(labels.read(workspace.paths, "category"))


def group_named(found: Triage, reference: str) -> FailureGroup:
    """The group with that number or id. Raises UsageError."""
    for group in found.groups:
        if reference in (str(group.number), group.id):
            return group
    raise UsageError(
        "There is no such group",
        f"{reference!r} is none of the {len(found.groups)} numbers or ids shown.",
        "List them with: temper triage",
    )


def decide(
    workspace: Workspace, groups: Iterable[FailureGroup], category: Category | None, note: str = ""
) -> int:
    """Label every failure of the groups; without a category, with the one shown. How many were made."""
    made = 0
    for group in groups:
        for failure in group.members:
            label = Label("category", failure.target, category or group.category, note=note)
            labels.append(workspace.paths, label)
            made += 1
    return made


def held(workspace: Workspace, groups: Iterable[FailureGroup]) -> dict[str, Label | None]:
    """What is decided of each failure of the groups by now, to be given to `restore`."""
    known = decisions(workspace)
    return {one.target: decision_on(one, known) for group in groups for one in group.members}


def restore(workspace: Workspace, before: Mapping[str, Label | None]) -> int:
    """Take decisions back: what held before holds again, by labels of its own; "" stands for undecided."""
    for target, label in before.items():
        value, note = (label.value, label.note) if label is not None else ("", "")
        labels.append(workspace.paths, Label("category", target, value, note=note))
    return len(before)


def category_named(word: str) -> Category:
    """A category by its name or the beginning of it. Raises UsageError with all there are."""
    wanted = word.strip().casefold().replace(" ", "_").replace("-", "_")
    fitting = [one for one in CATEGORIES if one == wanted] or [
        one for one in CATEGORIES if wanted and one.startswith(wanted)
    ]
    if len(fitting) == 1:
        return fitting[0]
    raise UsageError(
        "No such category", f"{word!r} is none of: {', '.join(CATEGORIES)}.", "Name one of them."
    )


def examples(group: FailureGroup, most: int = 3) -> list[Failure]:
    """A few members that differ in what was asked."""
    seen: dict[str, Failure] = {}
    for failure in group.members:
        seen.setdefault(failure.input or failure.comment, failure)
    return list(seen.values())[:most]
