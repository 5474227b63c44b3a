"""The gate before training: what a data check found stops a run, unless a person accepted it.

The newest report on the dataset version decides; where there is none the checks that need neither embedder
nor answers of a model are run. What a report says of tokens counts only if it was made for this base, length,
prompt and mask. Does not know how a check works, nor how a run is started.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.data.checks.asking import of_recipe
from engine.data.checks.registry import NAMES
from engine.data.checks.run import PhaseProgress, check, quiet
from store import check_reports, datasets, labels
from store.errors import RefusedError, UsageError
from store.records.data import DatasetInfo
from store.records.findings import CheckName, CheckReport, CheckSettings, Finding
from store.records.labels import Label
from store.records.recipe import Recipe
from store.workspace import Workspace

TOKEN_CHECKS: tuple[CheckName, ...] = ("truncation", "no_trained_token")
TOKEN_SETTINGS = ("model", "max_length", "mask", "template", "system")
UNTRAINED = "no_trained_token"
ACCEPTED = "accepted"
SHOWN_LINES = 10


def newest_report(workspace: Workspace, reference: str) -> CheckReport | None:
    """The newest report on the version that `name[@version][/split]` means; None where there is neither."""
    asked = datasets.parse_reference(reference)
    if not datasets.versions(workspace.paths, asked.name):
        return None
    info = datasets.load_info(workspace.paths, asked.name, asked.version)
    return check_reports.latest(workspace.paths, info.name, info.version)


def ensure_report(
    workspace: Workspace, info: DatasetInfo, recipe: Recipe, progress: PhaseProgress = quiet
) -> CheckReport:
    """The newest report on a version; where there is none, a new one, with the recipe's own settings."""
    known = check_reports.latest(workspace.paths, info.name, info.version)
    if known is not None:
        return known
    return check(workspace.paths, f"{info.name}@{info.version}", of_recipe(workspace, recipe), progress)


def concerning(report: CheckReport, settings: CheckSettings) -> list[Finding]:
    """The findings that say something of a run with `settings`."""
    same = all(getattr(report.settings, name) == getattr(settings, name) for name in TOKEN_SETTINGS)
    return [finding for finding in report.findings if same or finding.check not in TOKEN_CHECKS]


def stand(workspace: Workspace, report: CheckReport, recipe: Recipe, accept: Sequence[str]) -> list[Finding]:
    """The findings of `report` that do not stop the run, warnings first.

    `accept` names findings (by id or check) that it lets pass, besides those accepted before. Raises
    UsageError for names that mean nothing, RefusedError when a finding of severity block is left.
    """
    findings = concerning(report, of_recipe(workspace, recipe))
    check_names(report, accept)
    passed = accepted_ids(workspace, report.dataset, report.version)
    stopping = [
        finding
        for finding in findings
        if finding.severity == "block" and finding.id not in passed and not _named(finding, accept)
    ]
    if stopping:
        raise refusal(f"{report.dataset}@{report.version}", stopping)
    return findings


def check_names(report: CheckReport, accept: Iterable[str]) -> None:
    """Raise UsageError for a name that is neither a finding of `report` nor a check's."""
    known = {finding.id for finding in report.findings}
    unknown = [name for name in accept if name not in known and name not in NAMES]
    if unknown:
        raise UsageError(
            "Nothing of that name was found",
            f"{', '.join(map(repr, unknown))}: no check, nor a finding in {report.dataset}@{report.version}.",
            f"Found were: {', '.join(sorted(known)) or 'none'}.",
        )


def record(workspace: Workspace, report: CheckReport, accept: Sequence[str]) -> None:
    """Keep what was accepted as labels, each once: from now on it holds for this version."""
    before = accepted_ids(workspace, report.dataset, report.version)
    for finding in report.findings:
        if _named(finding, accept) and finding.id not in before:
            note = f"{finding.title} ({report.sha256[: check_reports.NAME_LETTERS]})"
            _append(workspace, report.dataset, report.version, finding.id, note)


def refuse_untrained(
    workspace: Workspace, info: DatasetInfo, lines: Sequence[int], accept: Sequence[str]
) -> None:
    """Raise RefusedError for rows (by line) that have no token to train on, unless that was accepted."""
    if not lines or UNTRAINED in accepted_ids(workspace, info.name, info.version):
        return
    title = f"{len(lines):,} rows have no token to train on"
    if UNTRAINED in accept:
        _append(workspace, info.name, info.version, UNTRAINED, title)
        return
    shown = ", ".join(map(str, lines[:SHOWN_LINES])) + (", ..." if len(lines) > SHOWN_LINES else "")
    finding = Finding(
        UNTRAINED,
        "no_trained_token",
        "block",
        f"{title} (lines {shown})",
        len(lines),
        [],
        "Raise max_length, or take them out",
    )
    raise refusal(f"{info.name}@{info.version}", [finding])


def refusal(version: str, findings: Sequence[Finding]) -> RefusedError:
    """What a user is told whose run was stopped."""
    listed = "\n".join(f"{one.id}: {one.title}. {one.remedy}".rstrip() for one in findings)
    flags = " ".join(f"--accept {finding.id}" for finding in findings)
    return RefusedError(
        f"The data check stops training on {version}",
        listed,
        f"Mend the data (see: temper data check {version}), or train all the same with: {flags}",
    )


def warning_line(findings: Iterable[Finding]) -> str:
    """The findings that warn, in a line; empty without any."""
    warned = [f"{finding.id} ({finding.count:,})" for finding in findings if finding.severity == "warn"]
    return f"The data check warns of {', '.join(warned)}" if warned else ""


def accepted_ids(workspace: Workspace, dataset: str, version: int) -> set[str]:
    """Ids of the findings in a version that a person accepted."""
    begin = f"{dataset}@{version}:"
    return {
        target.removeprefix(begin)
        for target, label in labels.latest(labels.read(workspace.paths, "finding")).items()
        if target.startswith(begin) and label.value == ACCEPTED
    }


def _named(finding: Finding, accept: Iterable[str]) -> bool:
    return any(name in (finding.id, finding.check) for name in accept)


def _append(workspace: Workspace, dataset: str, version: int, finding: str, note: str) -> None:
    target = f"{dataset}@{version}:{finding}"
    labels.append(workspace.paths, Label("finding", target, ACCEPTED, note=note))
