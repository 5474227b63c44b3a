"""Reports of data checks: `reports/SHA.json` beside the rows of the dataset version that they are about.

A report is named by its content, so that a run can refer to the one it relied on. Knows nothing of checking.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from store import atomic, datasets
from store.errors import TemperError
from store.paths import WorkspacePaths
from store.records.findings import CheckReport, Verdict

FOLDER = "reports"
NAME_LETTERS = 16


def save(paths: WorkspacePaths, report: CheckReport) -> CheckReport:
    """Store a report; returns it with its `sha256`. An equal one that is there already is replaced."""
    report = msgspec.structs.replace(report, sha256=digest(report))
    path = path_of(paths, report)
    atomic.write_bytes(path, msgspec.json.format(msgspec.json.encode(report)))
    return report


def digest(report: CheckReport) -> str:
    """The hash of what a report says: the same rows under the same settings give the same."""
    content = msgspec.structs.replace(report, sha256="", created="", seconds=0.0)
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def read_all(paths: WorkspacePaths, name: str, version: int) -> list[CheckReport]:
    """The reports on a version, oldest first. Raises TemperError for one that cannot be read."""
    folder = _folder(paths, name, version)
    found = [_read(path) for path in sorted(folder.glob("*.json"))] if folder.is_dir() else []
    return sorted(found, key=lambda report: report.created)


def latest(paths: WorkspacePaths, name: str, version: int) -> CheckReport | None:
    """The newest report on a version, None where it was never checked."""
    return next(iter(reversed(read_all(paths, name, version))), None)


def find(paths: WorkspacePaths, name: str, version: int, sha256: str) -> CheckReport:
    """The report on a version with this hash. Raises TemperError where there is none."""
    return _read(_file(paths, name, version, sha256))


def path_of(paths: WorkspacePaths, report: CheckReport) -> Path:
    """Where a stored report lies."""
    return _file(paths, report.dataset, report.version, report.sha256)


class Head(msgspec.Struct):
    """The outcome of a report without its findings: a list of versions needs no more."""

    verdict: Verdict
    created: str


def latest_head(paths: WorkspacePaths, name: str, version: int) -> Head | None:
    """The outcome of the newest report; None where there is none, or none that can be read."""
    heads = []
    for path in _folder(paths, name, version).glob("*.json"):
        try:
            heads.append(msgspec.json.decode(path.read_bytes(), type=Head))
        except (OSError, msgspec.MsgspecError):
            continue
    return max(heads, key=lambda head: head.created, default=None)


def _folder(paths: WorkspacePaths, name: str, version: int) -> Path:
    return datasets.version_folder(paths, name, version) / FOLDER


def _file(paths: WorkspacePaths, name: str, version: int, sha256: str) -> Path:
    return _folder(paths, name, version) / f"{sha256[:NAME_LETTERS]}.json"


def _read(path: Path) -> CheckReport:
    try:
        return msgspec.json.decode(path.read_bytes(), type=CheckReport)
    except (OSError, msgspec.MsgspecError) as error:
        raise TemperError(
            "A check's report is damaged", f"{path}: {error}", "Remove it and check again: temper data check"
        ) from error
