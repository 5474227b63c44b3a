"""Where an export's files go, what they are called, and how finished ones get their names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from engine.export import gguf_cache, quantise
from engine.export.adapter_settings import SETTINGS
from engine.jobs.context import JobContext
from engine.models.adapters import PASSPORT, WEIGHTS, read_passport
from engine.models.directory import ModelDirectory
from engine.models.variants import Parts
from store import atomic
from store.errors import UsageError
from store.hashing import sha256_of_file, sha256_of_files
from store.records.exports import ExportedFile, ExportResult, ShipCheck
from store.workspace import Workspace


def out_folder(workspace: Workspace, out: str | None, default: Path) -> Path:
    """Where the files go, made if it is not there."""
    folder = workspace.path(out) if out else default
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise atomic.disk_error(error, folder) from error
    return folder


def check_folder(out: Path) -> None:
    """Raise UsageError when the folder for the files is something else."""
    if out.exists() and not out.is_dir():
        raise UsageError("The folder for the files is a file", f"{out} exists.", "Name another --out.")


def file_stem(workspace: Workspace, parts: Parts) -> str:
    """What the files are called: the kept adapter, the training run or the model's folder."""
    if parts.adapter is None:
        return parts.run_id or parts.model.name
    if parts.adapter.parent == workspace.paths.adapters:
        return parts.adapter.name
    return read_passport(parts.adapter).run_id


def check_new(out: Path, names: Iterable[str]) -> None:
    """Raise UsageError when something of that name is there already."""
    for path in (path for name in names for path in (out / name, blocked(out / name))):
        if path.exists():
            raise UsageError(
                "The file is there already", f"{path} exists.", "Remove it, or name another --out."
            )


def blocked(target: Path) -> Path:
    """What a file is called that the check has blocked."""
    return target.with_suffix(f".BLOCKED{target.suffix}")


def publish(
    workspace: Workspace,
    base: ModelDirectory,
    parts: Parts,
    file: Path,
    target: Path,
    kind: str,
    check: ShipCheck,
) -> ExportedFile:
    """Give a checked file its final name and let variants use it; a blocked one is kept, and called so."""
    exported = name_file(file, target, kind, check)
    for tensor in quantise.fallbacks(Path(exported.path), kind):
        exported.fallbacks.setdefault(tensor.type, []).append(tensor.name)
    if check.verdict != "BLOCK" and can_be_named(parts):
        gguf_cache.remember(workspace.paths, base, parts.adapter, Path(exported.path), kind)
    return exported


def name_file(file: Path, target: Path, kind: str, check: ShipCheck) -> ExportedFile:
    """Give a checked file its final name, which says so where it is blocked."""
    target = blocked(target) if check.verdict == "BLOCK" else target
    exported = ExportedFile(str(target), kind, file.stat().st_size, sha256_of_file(file), check)
    os.replace(file, target)
    atomic.sync_directory(target.parent)
    return exported


def name_folder(folder: Path, target: Path, kind: str, check: ShipCheck | None) -> ExportedFile:
    """Give a finished folder its final name, which says so where it is blocked."""
    if check is not None and check.verdict == "BLOCK":
        target = blocked(target)
    files = sorted(file for file in folder.iterdir() if file.is_file())
    hashes = {file.name: sha256_of_file(file) for file in files}
    size = sum(file.stat().st_size for file in files)
    exported = ExportedFile(str(target), kind, size, sha256_of_files(files), check, hashes=hashes)
    os.replace(folder, target)
    atomic.sync_directory(target.parent)
    return exported


def copy_adapter(adapter: Path, target: Path) -> ExportedFile:
    """The adapter as PEFT reads it, as the new folder `target`."""
    with atomic.new_directory(target) as folder:
        for name in (WEIGHTS, SETTINGS):
            shutil.copyfile(adapter / name, folder / name)
    files = [target / name for name in sorted((WEIGHTS, SETTINGS))]
    hashes = {file.name: sha256_of_file(file) for file in files}
    size = sum(file.stat().st_size for file in files)
    return ExportedFile(str(target), "peft", size, sha256_of_files(files), hashes=hashes)


def link_or_copy(file: Path, target: Path) -> None:
    """The same file under another name: linked where the disk allows."""
    partial = atomic.temporary_name(target)
    try:
        os.link(file, partial)
    except OSError:
        shutil.copyfile(file, partial)
    os.replace(partial, target)


def can_be_named(parts: Parts) -> bool:
    """Whether a variant could ask for it: a combined adapter has no name."""
    return parts.adapter is None or (parts.adapter / PASSPORT).is_file()


def tell(context: JobContext, result: ExportResult, passport: Path) -> None:
    """The files as artifacts, and every reason of a verdict that is not SHIP."""
    for file in result.files:
        path = Path(file.path)
        context.artifact(path.name, path, file.type if file.hashes else "gguf", file.sha256)
        if file.ship_check and file.ship_check.verdict != "SHIP":
            reasons = " ".join(file.ship_check.reasons)
            context.notice(f"{path.name}: {file.ship_check.verdict}", reasons, warn=True)
    for made in result.hand_offs:
        for name in made.files:
            context.artifact(Path(name).name, Path(name), made.tool)
    context.artifact(passport.name, passport, "report")
