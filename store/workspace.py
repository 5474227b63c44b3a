"""A workspace: the folder with temper.toml. Opening it, reading and amending its settings.

Names are looked up here; what a model or variant *is* belongs to the engine.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, MutableMapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from store import atomic, settings
from store.errors import MissingError, UsageError
from store.paths import SETTINGS, WorkspacePaths, find_workspace
from store.records.workspace import Dataset, Knowledge, Model, Variant, WorkspaceConfig


class Workspace:
    """An opened workspace. `config` is read once; `amend` writes temper.toml and reads it again."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.paths = WorkspacePaths(self.root)
        self.config = load_config(self.paths.settings)

    @property
    def name(self) -> str:
        """The name shown in titles."""
        return self.config.workspace.name or self.root.name

    def path(self, relative: str) -> Path:
        """A path of the settings, which starts at the workspace unless absolute."""
        return (self.root / Path(relative).expanduser()).resolve()

    def model(self, name: str) -> Model:
        """The model `name` of temper.toml. Raises UsageError with the nearest name."""
        return _look_up(self.config.models, name, "model", "temper models add NAME PATH")

    def dataset(self, name: str) -> Dataset | None:
        """The `[datasets.NAME]` table, if there is one: a dataset may also just have been imported."""
        return self.config.datasets.get(name)

    def knowledge(self, name: str) -> Knowledge:
        """The `[knowledge.NAME]` table. Raises UsageError with the nearest name."""
        return _look_up(self.config.knowledge, name, "knowledge base", f"temper kb ingest PATH --kb {name}")

    def variant(self, name: str) -> Variant:
        """The variant `name` with inheritance applied. Raises UsageError for unknown names and circles."""
        chain: list[Variant] = []
        seen: list[str] = []
        current: str | None = name
        while current is not None:
            if current in seen:
                raise UsageError(
                    "A variant inherits from itself",
                    f"{self.paths.settings}: {' -> '.join([*seen, current])}.",
                    "Remove one `inherits` of the circle.",
                )
            seen.append(current)
            chain.append(
                _look_up(self.config.variants, current, "variant", "temper variants add NAME --model M")
            )
            current = chain[-1].inherits
        merged: dict[str, object] = {}
        for variant in reversed(chain):
            merged |= {
                key: value for key, value in msgspec.structs.asdict(variant).items() if value is not None
            }
        merged.pop("inherits", None)
        return Variant(**merged)  # type: ignore[arg-type]  # the keys are Variant's own

    def amend(self, table: str, name: str, values: dict[str, object]) -> None:
        """Write `[table.name]` (or keys of `[table]` where `name` is empty) into temper.toml; comments stay.

        The result is checked before it replaces the file. Raises UsageError when it would not be valid.
        """
        import tomlkit  # here, since only writing needs it and the first screen waits for every import

        settings.read_toml(self.paths.settings)  # an editor may have broken it since: this says where
        before = self.paths.settings.read_text(encoding="utf-8-sig")
        document = tomlkit.parse(before)
        known = document.get(table, {})
        if name and name not in known and not isinstance(known, tomlkit.items.InlineTable):
            # At the end: in its place it would come between a following table and that one's comment.
            entry = {table: {name: values}}
            text = before.rstrip("\n") + "\n\n" + tomlkit.dumps(entry).replace(f"[{table}]\n", "", 1)
        else:
            section = document.setdefault(table, tomlkit.table())
            target = section.setdefault(name, tomlkit.inline_table()) if name else section
            _overwrite(target, values, whole=bool(name))
            text = tomlkit.dumps(document)
        config = settings.build(tomlkit.parse(text).unwrap(), WorkspaceConfig, SETTINGS, problems_between)
        atomic.write_text(self.paths.settings, text)
        self.config = config


def _overwrite(section: MutableMapping[str, Any], values: dict[str, object], whole: bool) -> None:
    """Put `values` into a table of the file, where it stands; `whole` takes its other keys out."""
    for key in [key for key in section if whole and key not in values]:
        del section[key]
    section.update(values)


def load_config(path: Path) -> WorkspaceConfig:
    """temper.toml, checked. Raises UsageError that lists every problem."""
    return settings.build(settings.read_toml(path), WorkspaceConfig, SETTINGS, problems_between)


def problems_between(config: WorkspaceConfig) -> list[str]:
    """What is wrong between settings that are right on their own."""
    found = []
    for name, model in config.models.items():
        if bool(model.path) == bool(model.url):
            found.append(f"models.{name}: give either path (on this machine) or url (a model that is served)")
        elif model.url and not model.model:
            found.append(f"models.{name}.model: missing; what the API at url calls the model")
        elif model.path and (model.model or model.key):
            found.append(f"models.{name}: model and key belong to a url")
    for name, variant in config.variants.items():
        output = variant.output
        if output is not None and sum(value is not None for value in msgspec.structs.astuple(output)) != 1:
            found.append(f"variants.{name}.output: give one of schema, choices, pattern, json")
    return found


def open_workspace(start: Path | None = None) -> Workspace:
    """The workspace at or above `start` (the current folder if left out). Raises MissingError if none is."""
    start = (start or Path.cwd()).resolve()
    root = find_workspace(start)
    if root is None:
        raise MissingError(
            "This folder is not a workspace",
            f"Neither {start} nor a folder above it holds {SETTINGS}.",
            "Make one here with: temper init . --template support",
        )
    return Workspace(root)


Entry = TypeVar("Entry", Model, Knowledge, Variant)


def _look_up(table: dict[str, Entry], name: str, what: str, add: str) -> Entry:
    if name in table:
        return table[name]
    raise UsageError(
        f"No {what} is called {name!r}",
        f"temper.toml knows {_known(table)}.{_near(name, table)}",
        f"Add one with: {add}",
    )


def _known(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none yet"


def _near(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
