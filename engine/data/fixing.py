"""`data fix` as a whole: a new version from what the newest report found, decisions kept, nothing in place.

What each operation does to rows is in engine.data.fixes; how a version is published in engine.data.derive.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from engine.data.checks.run import PhaseProgress, quiet
from engine.data.checks.run import check as check_dataset
from engine.data.derive import Derived, derive, identity
from engine.data.fixes import asked as asking
from engine.data.fixes import conflicts, decisions
from engine.data.fixes.asked import Asked
from engine.data.fixes.dropping import Going, drop_found
from engine.data.fixes.left import Left, left_of
from engine.data.fixes.rewriting import Rewriter
from engine.data.privacy.detector import kinds_of
from store import check_reports, datasets, example_table
from store.errors import UsageError
from store.paths import WorkspacePaths
from store.records.data import DatasetInfo, Edit, Example
from store.records.findings import CheckReport, CheckSettings


class Fixed(msgspec.Struct):
    """What a fix did. `new` is False where nothing changed, an equal version was there, or it was a dry run.

    `info` is the version that holds the outcome (for a dry run the parent, with the counts that it would
    have). `left` is what the parent's report found that is still there; `undecided` counts conflicts that
    nobody could decide, `kept` the rows that stayed because people want them.
    """

    info: DatasetInfo
    new: bool
    parent: str
    edits: list[Edit]
    left: list[Left] = []
    undecided: int = 0
    kept: list[str] = []


def fix_dataset(
    paths: WorkspacePaths,
    reference: str,
    asked: Asked,
    *,
    dry_run: bool = False,
    progress: PhaseProgress = quiet,
) -> Fixed:
    """Mend the version that `name[@version]` means, as its next version; `dry_run` makes none.

    Checks the version first where a report is needed and there is none. Raises UsageError for unknown
    versions, rows, findings and kinds, RefusedError where a check that is needed did not run or no row to
    train on would be left.
    """
    asking.check(asked)
    kinds_of(asked.mask)
    named = datasets.parse_reference(reference)
    parent = datasets.load_info(paths, named.name, named.version)
    report = check_reports.latest(paths, parent.name, parent.version)
    if report is None and asked.needs_report:
        report = check_dataset(paths, identity(parent), CheckSettings(), progress)
    with datasets.editing(paths, parent.name):
        fix = _Fix(paths, parent, asked, report)
        fix.plan()
        return fix.tried() if dry_run else fix.made()


class _Fix:
    """One fix of one version: first which rows go, then all that stay, rewritten as they stream by."""

    def __init__(
        self, paths: WorkspacePaths, parent: DatasetInfo, asked: Asked, report: CheckReport | None
    ) -> None:
        self.paths = paths
        self.parent = parent
        self.asked = asked
        self.report = report
        self.file = datasets.version_folder(paths, parent.name, parent.version) / datasets.ROWS
        splits = dict(example_table.read_splits(self.file))
        self.decisions = decisions.read(paths, parent.name)
        self.decisions.kept = (self.decisions.kept - set(asked.rows)) | set(asked.keep)
        self.going = Going(splits, self.decisions.kept)
        self.resolved = conflicts.Resolved()
        self.rewriter = Rewriter(asked.mask, asked.repair_encoding, splits)
        self.after: Counter[str] = Counter()

    def plan(self) -> None:
        """Decide which rows go."""
        _check_rows(self.parent, self.going.splits, [*self.asked.rows, *self.asked.keep])
        for row in self.asked.rows:
            self.going.take(row, "drop rows")
        if self.asked.conflicts == "labels":
            for row in sorted(self.decisions.dropped):
                self.going.take(row, "drop rows")
        if self.report is None:
            return
        if self.asked.conflicts:
            self._resolve(self.report)
        drop_found(self.going, self.asked, self.report)

    def made(self) -> Fixed:
        """Publish the version and keep the decisions."""
        derived = derive(self.paths, self.parent, self._rows(), self._edits)
        self._record()
        return self._fixed(derived)

    def tried(self) -> Fixed:
        """What would be done."""
        for _ in self._rows():
            pass
        info = msgspec.structs.replace(
            self.parent,
            splits={name: self.after[name] for name in self.parent.splits if self.after[name]},
            rows_kept=self.after.total(),
        )
        return self._fixed(Derived(info, new=False))

    def _resolve(self, report: CheckReport) -> None:
        wanted = conflicts.rows_in_conflict(report)
        sides = {
            example.row: conflicts.side_of(example)
            for example in (example_table.read(self.file) if wanted else ())
            if example.row in wanted
        }
        policy = self.asked.conflicts
        self.resolved = conflicts.resolve(self.going, report, sides, policy, self.decisions)

    def _rows(self) -> Iterator[Example]:
        for example in example_table.read(self.file):
            if example.row not in self.going.by:
                self.after[example.split] += 1
                yield self.rewriter.rewrite(example)

    def _edits(self) -> list[Edit]:
        gone = Counter(self.going.by.values())
        held = Counter(by for row, by in self.going.by.items() if self.going.splits[row] != "train")
        edits = [
            Edit(operation, count, f"{held[operation]} of them held out" if held[operation] else "")
            for operation, count in gone.items()
        ]
        for edit in edits:
            if edit.operation == conflicts.OPERATION:
                how = f"{self.asked.conflicts}, {self.resolved.groups} conflicts"
                edit.detail = "; ".join(filter(None, (how, edit.detail)))
        for operation, count in self.rewriter.rows.items():
            values = f"{self.rewriter.values} values" if operation.startswith("mask") else ""
            edits.append(Edit(operation, count, values))
        return edits

    def _record(self) -> None:
        name = self.parent.name
        decisions.record_rows(self.paths, name, self.asked.keep, decisions.KEEP)
        decisions.record_rows(self.paths, name, self.asked.rows, decisions.DROP)
        note = f"{self.asked.conflicts}, {identity(self.parent)}"
        decisions.record_answers(self.paths, name, self.resolved.answers, note)

    def _fixed(self, derived: Derived) -> Fixed:
        report = self.report
        masked = kinds_of(self.asked.mask)
        return Fixed(
            info=derived.info,
            new=derived.new,
            parent=identity(self.parent),
            edits=self._edits(),
            left=left_of(report, set(self.going.by), masked, self.asked, self.resolved) if report else [],
            undecided=self.resolved.undecided,
            kept=sorted(self.decisions.kept & set(self.going.splits)),
        )


def _check_rows(parent: DatasetInfo, splits: dict[str, str], rows: Sequence[str]) -> None:
    unknown = [row for row in rows if row not in splits]
    if unknown:
        raise UsageError(
            "No such row",
            f"{identity(parent)} has no row {', '.join(map(repr, unknown[:5]))}.",
            f"Row ids stand in: temper data check {identity(parent)} --json",
        )
