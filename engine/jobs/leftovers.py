"""What exports that were killed left behind: an unfinished merge is taken up, all else cleared away.

An export works in a folder named after its run, beside the files it makes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from engine.models.directory import ModelDirectory
from store.locks import is_locked
from store.runs import RunFolder
from store.workspace import Workspace

SCRATCH = ".making-"


def merged_folder(scratch: Path) -> Path:
    """Where an export puts its merged model."""
    return scratch / "merged"


def adopt_merge(workspace: Workspace, base: ModelDirectory, adapter: Path, out: Path, scratch: Path) -> None:
    """Move an unfinished merge of the same base and adapter, which a killed export left, to `scratch`."""
    from engine.export.merge import is_unfinished, work_of  # brings torch: only with the device ours

    places = [out, *(RunFolder(run).artifacts for run in workspace.paths.runs.glob("*"))]
    for folder in [folder for place in places for folder in _dead(workspace, place, scratch)]:
        work = work_of(merged_folder(folder))
        if is_unfinished(work, base, adapter):
            with suppress(OSError):  # on another disk: it is made anew
                os.replace(work, work_of(merged_folder(scratch)))
                return


def remove(workspace: Workspace, out: Path, scratch: Path) -> None:
    """Clear away what dead exports left in the folder `out`; `scratch` is of one that lives."""
    for folder in _dead(workspace, out, scratch):
        shutil.rmtree(folder, ignore_errors=True)


def _dead(workspace: Workspace, place: Path, scratch: Path) -> Iterator[Path]:
    for folder in place.glob(f"{SCRATCH}*"):
        run = RunFolder(workspace.paths.runs / folder.name.removeprefix(SCRATCH))
        if folder != scratch and not is_locked(run.lock):
            yield folder
