"""`data check` as a whole: all checks over a version, their findings in order, a verdict, a stored report.

Rows are read once. Does not know how progress or a report is shown, nor what a verdict leads to.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable
from functools import partial

import msgspec

from engine.data.checks.contract import Basis, CannotRun, Embed, RowScan
from engine.data.checks.registry import NAMES, ROW_SCANS, SET_CHECKS, Entry, absent, load_check, make_scan
from engine.data.checks.scanning import Found, Scanning, Table, read_table
from engine.data.checks.settling import findings_of
from engine.data.checks.vectors import vectors_of
from engine.models.locate import locate_model, path_of
from store import check_reports, clock, datasets
from store.errors import TemperError
from store.paths import WorkspacePaths
from store.records.data import DatasetInfo
from store.records.findings import (
    CheckName,
    CheckReport,
    CheckSettings,
    Finding,
    Severity,
    Skipped,
    Verdict,
)
from store.workspace import Workspace

log = logging.getLogger("temper.check")

PhaseProgress = Callable[[str, int, int], None]
"""Told `done` of `total` of a phase; raises when the user asked to stop."""
SEVERITIES: tuple[Severity, ...] = ("block", "warn", "info")
READING, SCANNING, EMBEDDING, COMPARING = "read rows", "scan rows", "embed questions", "compare rows"


def quiet(phase: str, done: int, total: int) -> None:
    """The progress callback of those who do not ask."""


def check(
    paths: WorkspacePaths,
    reference: str,
    settings: CheckSettings,
    progress: PhaseProgress = quiet,
    embed: Embed | None = None,
    *,
    only: Collection[CheckName] = NAMES,
    processes: int = 0,
) -> CheckReport:
    """Check the version that `name[@version]` means, all its splits, and store the report.

    Arguments and errors are those of `examine`.
    """
    return check_reports.save(
        paths, examine(paths, reference, settings, progress, embed, only=only, processes=processes)
    )


def examine(
    paths: WorkspacePaths,
    reference: str,
    settings: CheckSettings,
    progress: PhaseProgress = quiet,
    embed: Embed | None = None,
    *,
    only: Collection[CheckName] = NAMES,
    processes: int = 0,
) -> CheckReport:
    """`check` without storing the report: for whoever wants to know a part of it only.

    `embed` None runs without an embedder; `only` leaves the other checks out; `processes` as in `scan_table`.
    Raises UsageError for unknown references and models, TemperError for damaged rows, and whatever
    `progress` raises.
    """
    begin = time.monotonic()
    asked = datasets.parse_reference(reference)
    info = datasets.load_info(paths, asked.name, asked.version)
    run = _Run(paths, info, settings, progress, frozenset(only))
    rows = run.all_checks(embed, processes)
    return CheckReport(
        dataset=info.name,
        version=info.version,
        dataset_sha256=info.sha256,
        rows=rows,
        verdict=verdict_of(run.findings),
        findings=in_order(run.findings),
        skipped=sorted(run.skipped, key=lambda one: NAMES.index(one.check)),
        settings=settings,
        created=clock.stamp(),
        seconds=round(time.monotonic() - begin, 3),
    )


def verdict_of(findings: Iterable[Finding]) -> Verdict:
    """The worst severity; findings that only inform are no reason to worry."""
    found = {finding.severity for finding in findings}
    return "block" if "block" in found else "warn" if "warn" in found else "ok"


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first, then as the checks are listed, then by id."""
    return sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), NAMES.index(one.check), one.id))


class _Run:
    """One pass over one version, gathering findings and what could not be looked for."""

    def __init__(
        self,
        paths: WorkspacePaths,
        info: DatasetInfo,
        settings: CheckSettings,
        progress: PhaseProgress,
        only: frozenset[CheckName],
    ) -> None:
        self.path = datasets.version_folder(paths, info.name, info.version) / datasets.ROWS
        self.info = info
        self.settings = settings
        self.located = located(paths, settings)
        self._progress = progress
        self._halt: BaseException | None = None
        self._scanning: Scanning | None = None
        self.only = only
        self.findings: list[Finding] = []
        self.skipped: list[Skipped] = []

    def all_checks(self, embed: Embed | None, processes: int) -> int:
        """Every check over every row; how many rows there are."""
        scans = self._make_scans()
        entries = [entry for entry, _ in scans]
        with Scanning(self.path, entries, self.located, processes) as self._scanning:
            table = read_table(self.path, partial(self.progress, READING))
            basis = self._basis(table, embed)
            self._compare(basis)
            found = self._scanning.finish(partial(self._tell, SCANNING))
        for entry, scan in scans:
            self._attempt(entry, partial(findings_of, scan, found.hits, basis))
        self._name_troubles(entries, found, len(table.rows))
        return len(table.rows)

    def _make_scans(self) -> list[tuple[Entry, RowScan]]:
        scans = []
        for entry in self._wanted(ROW_SCANS):
            try:
                scans.append((entry, make_scan(entry, self.located)))
            except CannotRun as reason:
                self._skip(entry, str(reason))
        return scans

    def _compare(self, basis: Basis) -> None:
        """All set checks."""
        entries = self._wanted(SET_CHECKS)
        if basis.embed is not None:  # the longest part by far, so it has a phase of its own; it is remembered
            basis.progress = partial(self.progress, EMBEDDING)
            vectors_of(basis)
        for done, entry in enumerate(entries):
            self.progress(COMPARING, done, len(entries))
            basis.progress = partial(self.progress, ", ".join(entry.checks).replace("_", " "))
            self._attempt(entry, partial(_run_check, entry, basis))
        self.progress(COMPARING, len(entries), len(entries))

    def _name_troubles(self, entries: Iterable[Entry], found: Found, rows: int) -> None:
        """A scan that failed on rows is named as skipped: nothing is known of those."""
        for trouble in found.troubles:
            log.error("%s failed on line %d: %s", trouble.target, trouble.line, trouble.error)
        for entry in entries:
            failed = [trouble for trouble in found.troubles if trouble.target == entry.target]
            if failed:
                first = f"line {failed[0].line}: {failed[0].error}"
                self._skip(entry, f"failed on {len(failed):,} of {rows:,} rows ({first})")

    def _tell(self, phase: str, done: int, total: int) -> None:
        """Tell how far a phase is; what that raises ends the run, unlike what else a check raises."""
        try:
            self._progress(phase, done, total)
        except BaseException as halt:
            self._halt = halt
            raise

    def progress(self, phase: str, done: int, total: int) -> None:
        """Tell how far a phase is, and how far the scans are that run beside it."""
        if self._scanning is not None and (scanned := self._scanning.done()):
            self._tell(SCANNING, scanned, self._scanning.total)
        self._tell(phase, done, total)

    def _attempt(self, entry: Entry, make: Callable[[], Iterable[Finding]]) -> None:
        try:
            self.findings += [finding for finding in make() if finding.check in self.only]
        except CannotRun as reason:
            self._skip(entry, str(reason))
        except ImportError as error:
            self._skip(entry, str(absent(error)))
        except Exception as error:  # a fault of one check must not cost the findings of all others
            if error is self._halt or isinstance(error, TemperError):
                raise
            log.exception("%s failed", entry.target)
            self._skip(entry, f"failed: {type(error).__name__}: {error}")

    def _wanted(self, entries: Iterable[Entry]) -> list[Entry]:
        return [entry for entry in entries if self.only.intersection(entry.checks)]

    def _skip(self, entry: Entry, reason: str) -> None:
        self.skipped += [Skipped(check, reason) for check in entry.checks if check in self.only]

    def _basis(self, table: Table, embed: Embed | None) -> Basis:
        return Basis(
            info=self.info,
            path=self.path,
            settings=self.settings,
            **msgspec.structs.asdict(table),
            embed=embed,
            progress=partial(self.progress, READING),
        )


def _run_check(entry: Entry, basis: Basis) -> Iterable[Finding]:
    return load_check(entry)(basis)


def located(paths: WorkspacePaths, settings: CheckSettings) -> CheckSettings:
    """The settings with the model's name turned into its path, as scans in other processes need it.

    Raises UsageError or MissingError for a model that is not there.
    """
    if not settings.model:
        return settings
    if paths.settings.is_file():
        path = locate_model(Workspace(paths.root), settings.model)
    else:
        path = path_of(settings.model, paths.root)
    return msgspec.structs.replace(settings, model=str(path))
