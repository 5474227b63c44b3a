"""What the data screen lists: versions of datasets with the outcome of their newest check, and sources that
temper.toml names but nobody has imported. Reads files: call it in threads. Knows no widget.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from store import check_reports, datasets
from store.check_reports import FOLDER, Head
from store.records.data import DatasetInfo, Dropped
from store.records.findings import CheckReport
from store.workspace import Workspace


class Book(msgspec.Struct):
    """One version of a dataset; or, without `info`, a dataset that was never imported from its `source`."""

    key: str
    name: str
    source: str
    info: DatasetInfo | None = None
    head: Head | None = None

    @property
    def verdict(self) -> str:
        """ok, warn or block; empty where no check has run."""
        return self.head.verdict if self.head is not None else ""


class Page(msgspec.Struct):
    """Everything of one version but its rows."""

    report: CheckReport | None
    dropped: list[Dropped]


def key_of(info: DatasetInfo) -> str:
    """`chats@2`."""
    return f"{info.name}@{info.version}"


def look(workspace: Workspace) -> list[Book]:
    """All books: by name, newest version first, then what is only named in temper.toml."""
    paths, books = workspace.paths, []
    known = datasets.names(paths)
    for name in known:
        for version in reversed(datasets.versions(paths, name)):
            info = datasets.load_info(paths, name, version)
            books.append(
                Book(key_of(info), name, info.source, info, check_reports.latest_head(paths, name, version))
            )
    settings = workspace.config.datasets
    return books + [Book(name, name, settings[name].source) for name in settings if name not in known]


def read_page(workspace: Workspace, info: DatasetInfo) -> Page:
    """The newest report on a version and its dropped rows. Raises TemperError for what is damaged."""
    return Page(
        check_reports.latest(workspace.paths, info.name, info.version),
        datasets.read_dropped(workspace.paths, info),
    )


def stamp(workspace: Workspace) -> tuple[int, ...]:
    """Changes when a version or a report comes or goes. Cheap: looks at folders only."""
    root = workspace.paths.datasets
    names = _folders(root)
    versions = [version for name in names for version in _folders(name)]
    times = [_time(folder) for folder in (root, *names, *(version / FOLDER for version in versions))]
    return (len(versions), *times)


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(Path(entry.path) for entry in os.scandir(parent) if entry.is_dir())
    except OSError:
        return []


def _time(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
