"""Paths as people type them, in the folder they are in, against paths as temper.toml spells them."""

from __future__ import annotations

from pathlib import Path

from store.workspace import Workspace


def as_settings_path(workspace: Workspace, typed: str) -> str:
    """`typed` as temper.toml writes it: from the workspace where it lies inside, absolute elsewhere.

    What is no file or folder here comes back as it is: a name, or written from the workspace already.
    """
    here = (Path.cwd() / Path(typed).expanduser()).resolve()
    if not here.exists():
        return typed
    return str(here.relative_to(workspace.root)) if here.is_relative_to(workspace.root) else str(here)


def as_model(workspace: Workspace, typed: str) -> str:
    """A model's name or path as temper.toml writes it."""
    return typed if typed in workspace.config.models else as_settings_path(workspace, typed)


def shown_path(path: str) -> str:
    """A path as it is shortest from here: what lies below the current folder is named from there."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if path and Path(path).is_relative_to(here) else path
