"""What the tests of checks act on: rows by hand, a stored version of them, one scan over some of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.data.checks.contract import Basis, RowScan
from engine.data.checks.run import check
from engine.data.checks.scanning import Found, Hit, Table, scan_batch
from engine.data.checks.settling import findings_of
from store import datasets, example_table
from store.paths import WorkspacePaths
from store.records.data import DatasetInfo, DatasetKind, Example, Message
from store.records.findings import CheckName, CheckReport, CheckSettings, Finding


def chat(question: str, answer: str, **fields: Any) -> Example:
    """A row with one question and one answer; its id and line are set when it is laid."""
    return Example("", 0, [Message("user", question), Message("assistant", answer)], **fields)


def turns(*messages: Message, **fields: Any) -> Example:
    """A row of these turns."""
    return Example("", 0, list(messages), **fields)


def numbered(examples: Iterable[Example]) -> list[Example]:
    """Rows with ids r1, r2, ... and lines 1, 2, ..."""
    rows = enumerate(examples, 1)
    return [msgspec.structs.replace(example, row=f"r{line}", line=line) for line, example in rows]


def lay(
    paths: WorkspacePaths, examples: Iterable[Example], name: str = "d", kind: DatasetKind = "chat"
) -> DatasetInfo:
    """A stored version of these rows, without an import."""
    rows = numbered(examples)

    def write(folder: Path, version: int) -> DatasetInfo:
        with example_table.Writer(folder / datasets.ROWS) as writer:
            for row in rows:
                writer.add(row)
        info = info_of(rows, name, kind)
        info.version = version
        return info

    with datasets.editing(paths, name):
        return datasets.publish(paths, name, write)


def info_of(rows: Sequence[Example], name: str = "d", kind: DatasetKind = "chat") -> DatasetInfo:
    """The record of a version of these rows."""
    splits = {split: sum(row.split == split for row in rows) for split in {row.split for row in rows}}
    return DatasetInfo(
        name, 1, kind, "d.jsonl", "", "", "2026-01-31T10:00:00.000Z", len(rows), len(rows), splits
    )


def basis_of(
    examples: Iterable[Example], settings: CheckSettings | None = None, path: Path = Path()
) -> Basis:
    """The rows as set checks see them."""
    rows = numbered(examples)
    table = Table()
    for row in rows:
        table.add(row)
    return Basis(
        info=info_of(rows),
        path=path,
        settings=settings or CheckSettings(),
        embed=None,
        progress=lambda done, total: None,
        **msgspec.structs.asdict(table),
    )


def scanned(scan: RowScan, examples: Iterable[Example]) -> dict[str, Finding]:
    """The findings of one scan over these rows, by id."""
    rows = numbered(examples)
    found: Found = scan_batch(rows, [("scan", scan)])
    assert found.troubles == []
    return {finding.id: finding for finding in findings_of(scan, found.hits, basis_of(rows))}


def notes(scan: RowScan, example: Example) -> list[Hit]:
    """What a scan notes in one row."""
    found = scan_batch([example], [("scan", scan)])
    assert found.troubles == []
    return found.hits


def lines(finding: Finding) -> list[int]:
    """The lines of a finding's rows."""
    return [ref.line for ref in finding.rows]


def checked(paths: WorkspacePaths, only: Sequence[CheckName], **settings: Any) -> CheckReport:
    """The report of some checks on dataset `d`."""
    return check(paths, "d", CheckSettings(**settings), only=only)
