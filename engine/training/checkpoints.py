"""Checkpoints on disk: written whole or not at all, named by step, verified before anything of one is loaded.

    artifacts/checkpoints/
        .writing/          what the trainer is writing now; nobody reads it
        checkpoint-200/    adapter or weights, optimiser, schedule, random states, and manifest.json

The manifest holds the sha256 of every file, so one that is half there or was changed is never gone on from.
Of the newest and of the best by held-out loss a few are kept. Knows no tensor and no trainer.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from store import atomic, clock
from store.hashing import sha256_of_file
from store.records.recipe import Recipe

MANIFEST = "manifest.json"
WRITING = ".writing"
PREFIX = "checkpoint-"
ASIDE = "aside-"
# The trainer pickles its own arguments beside every model; nothing reads them, so nothing may load them
_UNWANTED = ("training_args.bin",)


class MemoryPlan(msgspec.Struct, frozen=True):
    """How a step fits into memory: its rows in `accumulation` passes of `batch_size`, rows of at most
    `max_length` tokens (0: as they are), activations of so many layers computed twice.
    """

    batch_size: int
    accumulation: int
    recompute_layers: int | Literal["all"] = 0
    max_length: int = 0

    @property
    def step_rows(self) -> int:
        """Rows of an optimiser step, whatever the memory."""
        return self.batch_size * self.accumulation


class FileHash(msgspec.Struct):
    """One file of a checkpoint: bytes and sha256 in hex."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct):
    """What a checkpoint is. `examples` rows were trained, of the order that the seed gives; `step` steps.

    `recipe` leaves nothing to `auto`. `inputs` say what a run must be given again: digests, references.
    `heldout_loss` was measured at that step, if at all.
    """

    step: int
    examples: int
    plan: MemoryPlan
    recipe: Recipe
    inputs: dict[str, str]
    created: str
    heldout_loss: float | None = None
    files: dict[str, FileHash] = {}


class Saved(msgspec.Struct):
    """A checkpoint on disk."""

    path: Path
    manifest: Manifest


class DamagedError(Exception):
    """A checkpoint that must not be loaded; the message is a sentence that says why."""


def read_manifest(path: Path) -> Manifest:
    """The manifest of the checkpoint `path`. Raises DamagedError where there is none."""
    try:
        return msgspec.json.decode((path / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise DamagedError("It was not finished.") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise DamagedError(f"Its manifest cannot be read: {error}.") from error


def verify(path: Path) -> Manifest:
    """The manifest, once every file has the bytes that it names. Raises DamagedError."""
    manifest = read_manifest(path)
    there = set(_files(path)) - {MANIFEST}
    if more := there - manifest.files.keys():
        raise DamagedError(f"{min(more)} does not belong to it.")
    for name, told in manifest.files.items():
        if name not in there:
            raise DamagedError(f"{name} is missing.")
        if (path / name).stat().st_size != told.bytes or sha256_of_file(path / name) != told.sha256:
            raise DamagedError(f"{name} is not as it was written.")
    return manifest


def newest(folder: Path) -> tuple[Saved | None, list[str]]:
    """The newest checkpoint that is whole, and a sentence for each newer one that was passed over."""
    passed: list[str] = []
    for path in reversed(listed(folder)):
        try:
            return Saved(path, verify(path)), passed
        except DamagedError as error:
            passed.append(f"{path.name}: {error}")
    return None, passed


def listed(folder: Path) -> list[Path]:
    """All checkpoints by step, whole or not."""
    if not folder.is_dir():
        return []
    found = [path for path in folder.glob(f"{PREFIX}*") if path.name.removeprefix(PREFIX).isdecimal()]
    return sorted(found, key=step_of)


def step_of(path: Path) -> int:
    """The step that a checkpoint's name tells."""
    return int(path.name.removeprefix(PREFIX))


def total_bytes(path: Path) -> int:
    """Bytes of all files of a checkpoint."""
    return sum((path / name).stat().st_size for name in _files(path))


class Checkpoints:
    """The checkpoints of one run; the newest `keep` stay, and the best. Each holds `recipe` and `inputs`."""

    def __init__(self, folder: Path, recipe: Recipe, inputs: dict[str, str], keep: int = 2) -> None:
        self.folder = folder
        self.writing = folder / WRITING
        self._recipe = recipe
        self._inputs = inputs
        self._keep = keep

    def clear(self) -> None:
        """Take away what a killed or failed save left behind."""
        shutil.rmtree(self.writing, ignore_errors=True)

    def publish(self, step: int, plan: MemoryPlan, examples: int, heldout_loss: float | None = None) -> Path:
        """Give what lies in `.writing/checkpoint-STEP` its name, hashed and synced; older ones go.

        Returns its path. Raises TemperError when the disk is full: the ones before are untouched.
        """
        draft, path = self.writing / f"{PREFIX}{step}", self.folder / f"{PREFIX}{step}"
        try:
            for name in _UNWANTED:
                (draft / name).unlink(missing_ok=True)
            files = {name: _hashed(draft / name) for name in _files(draft)}
            manifest = Manifest(
                step, examples, plan, self._recipe, self._inputs, clock.stamp(), heldout_loss, files
            )
            atomic.write_bytes(draft / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
            for folder, _, _ in os.walk(draft):
                atomic.sync_directory(Path(folder))
            self._replace(draft, path)
        except OSError as error:
            raise atomic.disk_error(error, path) from error
        self._prune()
        return path

    def set_aside(self, from_step: int) -> None:
        """Rename the checkpoints of `from_step` and later: damaged or diverged, so none is gone on from."""
        for path in listed(self.folder):
            if step_of(path) >= from_step:
                target = path.with_name(f"{ASIDE}{step_of(path)}")
                shutil.rmtree(target, ignore_errors=True)
                path.rename(target)

    def _replace(self, draft: Path, path: Path) -> None:
        if path.exists():  # one of an earlier attempt at the same step
            old = atomic.temporary_name(path)
            os.replace(path, old)
            os.replace(draft, path)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.replace(draft, path)
        atomic.sync_directory(self.folder)

    def _prune(self) -> None:
        all_of_them = listed(self.folder)
        spared = {best(all_of_them), *all_of_them[-self._keep :]}
        for path in all_of_them:
            if path not in spared:
                # under another name first: half a deletion must not look like a checkpoint
                going = atomic.temporary_name(path)
                path.rename(going)
                shutil.rmtree(going, ignore_errors=True)


def best(paths: Iterable[Path]) -> Path | None:
    """The checkpoint with the lowest held-out loss, the earliest of equals; None where none was measured."""
    losses: list[tuple[float, int, Path]] = []
    for path in paths:
        try:
            loss = read_manifest(path).heldout_loss
        except DamagedError:
            continue
        if loss is not None:
            losses.append((loss, step_of(path), path))
    return min(losses)[2] if losses else None


def _files(path: Path) -> list[str]:
    """Names of all files below `path`, with forward slashes."""
    return sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if not file.is_dir())


def _hashed(path: Path) -> FileHash:
    atomic.sync_file(path)
    return FileHash(path.stat().st_size, sha256_of_file(path))
