"""Finding an adapter: of a training run, or one that was kept. Reads its passport; never loads weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from engine.models.names import check_name
from store import atomic, runs
from store.errors import MissingError, UsageError
from store.records.adapters import AdapterPassport
from store.workspace import Workspace

PASSPORT = "passport.json"
WEIGHTS = "adapter_model.safetensors"


def adapter_folder(run_path: Path) -> Path:
    """Where a training run puts its adapter."""
    return run_path / "artifacts" / "adapter"


def model_folder(run_path: Path) -> Path:
    """Where a training run that trains the base itself puts the model."""
    return run_path / "artifacts" / "model"


def find_model(workspace: Workspace, reference: str) -> Path | None:
    """The model directory that a training run (id, prefix, `last`) made; None where it made none."""
    try:
        folder = model_folder(runs.find(workspace.paths.runs, reference, job="train").path)
    except UsageError:  # none, or several: whoever asks has other names to look at
        return None
    return folder if (folder / PASSPORT).is_file() else None


def find_adapter(workspace: Workspace, reference: str) -> Path:
    """The folder of a kept adapter or of a training run's (id, prefix, `last`).

    Raises UsageError or MissingError.
    """
    kept = workspace.paths.adapters / reference
    if (kept / PASSPORT).is_file():
        return kept
    run = runs.find(workspace.paths.runs, reference, job="train")
    folder = adapter_folder(run.path)
    if (model_folder(run.path) / PASSPORT).is_file():
        raise UsageError(
            "The run trained a model, not an adapter",
            f"{run.run_id} trained all of its base.",
            f"Use it as a model: {run.run_id}",
        )
    if not (folder / PASSPORT).is_file():
        raise MissingError(
            "The run has no adapter",
            f"{run.run_id}: {runs.view(run).state}; one is there once it has finished or was stopped.",
            f"See it with: temper runs show {run.run_id}",
        )
    return folder


def settled(workspace: Workspace, reference: str) -> str:
    """The reference as it will mean the same later: a kept name, or a run's whole id. `last` moves on.

    Raises UsageError where it names neither.
    """
    if not reference or (workspace.paths.adapters / reference / PASSPORT).is_file():
        return reference
    return runs.find(workspace.paths.runs, reference, job="train").run_id


def read_passport(folder: Path) -> AdapterPassport:
    """The passport in an adapter's folder. Raises UsageError when it is damaged."""
    try:
        return msgspec.json.decode((folder / PASSPORT).read_bytes(), type=AdapterPassport)
    except (OSError, msgspec.MsgspecError) as error:
        raise UsageError(
            "The adapter's passport is damaged", f"{folder / PASSPORT}: {error}", "Train it again."
        ) from error


def write_passport(folder: Path, passport: AdapterPassport) -> None:
    """Put a passport beside the weights that it is of, in place of the one that is there."""
    atomic.write_bytes(folder / PASSPORT, msgspec.json.format(msgspec.json.encode(passport)))


def keep(workspace: Workspace, reference: str, name: str | None) -> Path:
    """Copy a run's adapter into the workspace's adapters/ under `name` (the run's id when left out)."""
    if name is not None:
        check_name(name)
    folder = find_adapter(workspace, reference)
    target = workspace.paths.adapters / (name or read_passport(folder).run_id)
    if target.exists():
        raise UsageError(
            "There is an adapter of that name", f"{target} exists.", "Choose another with --as NAME."
        )
    with atomic.new_directory(target) as temporary:
        shutil.copytree(folder, temporary, dirs_exist_ok=True)
    return target


def list_kept(workspace: Workspace) -> list[tuple[str, AdapterPassport]]:
    """Names and passports of the kept adapters, by name."""
    if not workspace.paths.adapters.is_dir():
        return []
    found = (
        path for path in workspace.paths.adapters.iterdir() if path.name[0] != "."
    )  # half a copy has one
    folders = sorted(path for path in found if (path / PASSPORT).is_file())
    return [(folder.name, read_passport(folder)) for folder in folders]
