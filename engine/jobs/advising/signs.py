"""What is known beside the answers: failures with their names, the data's check report, the training run."""

from __future__ import annotations

from collections.abc import Sequence

from engine.evals.triage.board import board
from engine.evals.triage.guessing import failures_of
from engine.jobs.triaging import decisions
from engine.models.variants import describe
from store import check_reports, clock, datasets
from store import runs as folders
from store.errors import TemperError, UsageError
from store.records.advice import Signs
from store.records.evals import CaseResult
from store.records.findings import CheckReport
from store.runs import RunFolder
from store.workspace import Workspace


def signs_of(
    workspace: Workspace, run_id: str, bare: Sequence[CaseResult], dataset: str, adapter: str
) -> Signs:
    """All signs for a suite whose bare prompt gave `bare`."""
    found = board(run_id, failures_of(bare, run_id), decisions(workspace))
    signs = Signs(found.ready, found.why_not)
    shares = dict.fromkeys(("format", "knowledge", "label_noise"), 0.0)
    for group in found.groups:
        if group.category in shares:
            shares[group.category] += group.share
    signs.format_share, signs.knowledge_share = shares["format"], shares["knowledge"]
    signs.noise_share = shares["label_noise"]
    if report := newest_report(workspace, dataset):
        read_report(report, signs)
    if adapter:
        read_adapter(workspace, adapter, signs)
    return signs


def newest_report(workspace: Workspace, dataset: str) -> CheckReport | None:
    """The newest report on the dataset's newest version; None where it was never checked."""
    if not dataset:
        return None
    try:
        asked = datasets.parse_reference(dataset)
        info = datasets.load_info(workspace.paths, asked.name, asked.version)
        return check_reports.latest(workspace.paths, info.name, info.version)
    except TemperError:
        return None


def read_report(report: CheckReport, signs: Signs) -> None:
    """What the data's checks say of labels, of facts that change, and of prompts."""
    counts = dict.fromkeys(("label_conflict", "perishable"), 0)
    for finding in report.findings:
        if finding.check in counts:
            counts[finding.check] += finding.count
        if finding.check == "serving_mismatch":
            signs.serving_mismatch = finding.title
    ran = {one.check for one in report.skipped}
    if report.rows and "label_conflict" not in ran:
        signs.conflicts = counts["label_conflict"] / report.rows
    if report.rows and "perishable" not in ran:
        signs.perishable = counts["perishable"] / report.rows


def read_adapter(workspace: Workspace, adapter: str, signs: Signs) -> None:
    """What the training run says of itself, and whether its prompt is the one that is served."""
    run = training_run(workspace, adapter)
    if run is None:
        return
    result = folders.view(run).result
    remarks = (result.get("outcome") or {}).get("remarks", [])
    signs.preference_cost = next(
        (str(one.get("text", "")) for one in remarks if one.get("title") == "Nicer but less accurate"), ""
    )
    trained, served = describe(workspace, run.run_id).system, describe(workspace, adapter).system
    if trained != served:
        signs.serving_mismatch = f"{run.run_id} was trained with another system prompt than {adapter} has"


def training_run(workspace: Workspace, adapter: str) -> RunFolder | None:
    """The run that trained an adapter, by a variant's name or its own; None where it is not here."""
    try:
        run_id = describe(workspace, adapter).run_id
        return folders.find(workspace.paths.runs, run_id, "train") if run_id else None
    except UsageError:
        return None


def training_seconds(workspace: Workspace, adapter: str) -> float | None:
    """How long the adapter's run took; None where it is not here or did not end."""
    run = training_run(workspace, adapter)
    view = folders.view(run) if run else None
    if view is None or not view.started or not view.ended:
        return None
    return (clock.parse(view.ended) - clock.parse(view.started)).total_seconds()
