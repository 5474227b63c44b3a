"""What the commands of triage are made of, found in a workspace: variant, prompt, schema, documents, rows."""

from __future__ import annotations

from pathlib import Path

from engine.evals.suite import LoadedSuite, find_suite, load_suite
from engine.evals.triage.actions import Means
from store import datasets, knowledge
from store.errors import TemperError
from store.records.evals import CasesFrom
from store.records.workspace import Dataset
from store.workspace import Workspace

FLAGS = {"roles": "role"}
"""Options of `temper data import` that are not called as the key of `[datasets.NAME]` is."""


def means_of(workspace: Workspace, suite: str = "", variant: str = "") -> Means:
    """All that is there; a suite or variant that is gone counts as none."""
    config = workspace.config
    loaded = _suite(workspace, suite)
    name = variant if variant in config.variants else config.defaults.variant or ""
    known = workspace.variant(name) if name in config.variants else None
    bases = [known.knowledge if known else None, config.defaults.knowledge, *config.knowledge]
    dataset, kb = _dataset(workspace, loaded), next((one for one in bases if one), "")
    declared = config.datasets.get(dataset)
    return Means(
        variant=name if known else "",
        prompt=known.prompt or "" if known else "",
        schema=_schema(workspace, loaded),
        knowledge=kb,
        ingested=bool(kb) and knowledge.current(workspace.paths, kb) is not None,
        dataset=dataset,
        source=declared.source if declared else "",
        importing=importing(declared) if declared else [],
    )


def importing(declared: Dataset) -> list[str]:
    """The options of `temper data import` that a dataset is declared with: without them the import would
    change what is declared, such as the share of rows set aside.
    """
    words: list[str] = []
    plain = Dataset(declared.source)
    for key in Dataset.__struct_fields__:
        value, name = getattr(declared, key), FLAGS.get(key, key.replace("_", "-"))
        if value == getattr(plain, key):
            continue
        if isinstance(value, dict):
            words += [word for pair in value.items() for word in (f"--{name}", "=".join(pair))]
        elif isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        else:
            words += [f"--{name}", str(value)]
    return words


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
