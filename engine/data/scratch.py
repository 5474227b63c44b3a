"""A workspace to look ahead in: what is imported there lies in a temporary folder and is gone at the end.

Whoever asks what would happen expects that nothing has. Datasets that the workspace has are seen through
links; reports and labels of their versions are the workspace's own.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store import datasets
from store.workspace import Workspace


@contextmanager
def scratch(workspace: Workspace) -> Iterator[Workspace]:
    """The workspace, its new datasets kept outside. Raises what an import raises, OSError of the disk too."""
    with tempfile.TemporaryDirectory(prefix="temper-look-") as folder:
        for name in datasets.names(workspace.paths):
            (Path(folder) / name).symlink_to(workspace.paths.datasets / name, target_is_directory=True)
        seen = copy.copy(workspace)
        seen.paths = copy.copy(workspace.paths)
        seen.paths.datasets = Path(folder)
        yield seen


def only_there(seen: Workspace, workspace: Workspace) -> list[str]:
    """The datasets that were imported to look at them, and that `workspace` does not have."""
    return sorted({*datasets.names(seen.paths)} - {*datasets.names(workspace.paths)})
