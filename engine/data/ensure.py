"""A dataset when it is needed: the version there is, or an import of what temper.toml says it comes from."""

from __future__ import annotations

import difflib

from engine.data.importing import import_dataset, quiet
from engine.data.source import Progress, Source
from store import datasets
from store.errors import UsageError
from store.records.data import DatasetInfo, ImportOptions
from store.records.workspace import Dataset
from store.workspace import Workspace


def ensure_dataset(workspace: Workspace, reference: str, progress: Progress = quiet) -> DatasetInfo:
    """The record of `name[@version][/split]`, imported first where temper.toml says from what.

    Raises UsageError for names that are neither imported nor in temper.toml, and whatever the import raises.
    """
    asked = datasets.parse_reference(reference)
    if datasets.versions(workspace.paths, asked.name):
        return datasets.load_info(workspace.paths, asked.name, asked.version)
    settings = workspace.dataset(asked.name)
    if settings is None:
        raise _unknown(workspace, asked.name)
    source = workspace.path(settings.source)
    import_dataset(workspace.paths, source, asked.name, options_of(settings), progress=progress)
    return datasets.load_info(workspace.paths, asked.name, asked.version)


def check_reference(workspace: Workspace, reference: str) -> None:
    """Raise what `ensure_dataset` would, as far as that can be said without importing a row."""
    asked = datasets.parse_reference(reference)
    if datasets.versions(workspace.paths, asked.name):
        datasets.check_split(datasets.load_info(workspace.paths, asked.name, asked.version), asked.split)
        return
    settings = workspace.dataset(asked.name)
    if settings is None:
        raise _unknown(workspace, asked.name)
    Source(workspace.path(settings.source), settings.encoding, settings.format)
    if asked.version not in (None, 1):
        raise UsageError(
            f"{asked.name} has no version {asked.version}",
            "It was never imported, and importing it makes version 1.",
            f"Leave the version out: {asked.name}",
        )


def options_of(settings: Dataset) -> ImportOptions:
    """The import options that a `[datasets.NAME]` table says."""
    return ImportOptions(
        shape=settings.shape,
        map=settings.map,
        answer_json=settings.answer_json,
        answer_template=settings.answer_template,
        heldout=settings.heldout,
        seed=settings.seed,
        stratify=settings.stratify,
        encoding=settings.encoding,
        format=settings.format,
        roles=settings.roles,
        split_by=settings.split_by,
    )


def _unknown(workspace: Workspace, name: str) -> UsageError:
    known = sorted({*datasets.names(workspace.paths), *workspace.config.datasets})
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return UsageError(
        f"No dataset is called {name!r}",
        f"Known here: {', '.join(known) or 'none'}.{hint}",
        f"Import it with: temper data import FILE --as {name}",
    )
