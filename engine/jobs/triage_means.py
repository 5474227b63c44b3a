"""What the commands of triage are made of, found in a workspace: variant, prompt, schema, documents, rows."""

from __future__ import annotations

from pathlib import Path

from engine.evals.suite import LoadedSuite, find_suite, load_suite
from engine.evals.triage.actions import Means
from store import datasets
from store.errors import TemperError
from store.records.evals import CasesFrom
from store.workspace import Workspace


def means_of(workspace: Workspace, suite: str = "", variant: str = "") -> Means:
    """All that is there; a suite or variant that is gone counts as none."""
    config = workspace.config
    loaded = _suite(workspace, suite)
    name = variant if variant in config.variants else config.defaults.variant or ""
    known = workspace.variant(name) if name in config.variants else None
    bases = [known.knowledge if known else None, config.defaults.knowledge, *config.knowledge]
    dataset = _dataset(workspace, loaded)
    return Means(
        variant=name if known else "",
        prompt=known.prompt or "" if known else "",
        schema=_schema(workspace, loaded),
        knowledge=next((one for one in bases if one), ""),
        dataset=dataset,
        source=config.datasets[dataset].source if dataset in config.datasets else "",
    )


def _suite(workspace: Workspace, suite: str) -> LoadedSuite | None:
    try:
        return load_suite(find_suite(workspace.root, suite), workspace.root) if suite else None
    except TemperError:
        return None


def _dataset(workspace: Workspace, loaded: LoadedSuite | None) -> str:
    """That of the suite's cases, else the only one that temper.toml names."""
    if loaded is not None and isinstance(loaded.suite.cases, CasesFrom):
        return datasets.parse_reference(loaded.suite.cases.dataset).name
    names = list(workspace.config.datasets)
    return names[0] if len(names) == 1 else ""


def _schema(workspace: Workspace, loaded: LoadedSuite | None) -> str:
    """The schema file of the suite's checks, from the workspace's folder."""
    for check in loaded.suite.checks if loaded is not None else []:
        named = check.options.get("schema")
        if check.kind == "json_schema" and isinstance(named, str) and loaded is not None:
            for place in (loaded.path.parent, workspace.root):
                file = Path(place, named).resolve()
                if file.is_file() and file.is_relative_to(workspace.root):
                    return file.relative_to(workspace.root).as_posix()
    return ""
