"""Counts the tokens of a dataset's rows beside other work: in a thread, the newest question first, and kept.

Rendering many rows takes long, and most changes of a recipe do not touch it. Loads no model.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import msgspec

from engine.training.planning import Counted, counted
from engine.training.preflight import find_base
from engine.training.reading import read_data, renderer_of
from store import datasets
from store.errors import TemperError
from store.records.outlook import RowFacts
from store.records.recipe import Recipe
from store.workspace import Workspace

TOUCHING = (
    "base",
    "dataset",
    "rows_share",
    "objective",
    "prompt",
    "template",
    "mask",
    "max_length",
    "seed",
    "replay_dataset",
    "replay_share",
)
"""The fields of a recipe that decide what its rows are."""
HELD = 8


class Found(msgspec.Struct):
    """What counting gave: figures, or why there are none."""

    rows: Counted | None = None
    facts: RowFacts | None = None
    error: TemperError | None = None


class RowCounts:
    """Ask `get` from one thread; `done` is called from another when there is something new to get."""

    def __init__(self, workspace: Workspace, done: Callable[[], object]) -> None:
        self._workspace = workspace
        self._done = done
        self._turn = threading.Lock()
        self._found: dict[bytes, Found] = {}
        self._wanted: tuple[bytes, Recipe] | None = None
        self._busy = False

    def get(self, recipe: Recipe) -> Found | None:
        """What is known of the rows; None while they are being counted."""
        asked = countable(self._workspace, recipe)
        if asked is None:
            return Found()
        key = key_of(self._workspace, asked)
        with self._turn:
            if key in self._found:
                return self._found[key]
            self._wanted = key, asked
            if not self._busy:
                self._busy = True
                threading.Thread(target=self._work, name="counting", daemon=True).start()
        return None

    def _work(self) -> None:
        while True:
            with self._turn:
                wanted, self._wanted = self._wanted, None
                if wanted is None or wanted[0] in self._found:
                    self._busy = False
                    return
            key, recipe = wanted
            found = count(self._workspace, recipe)
            with self._turn:
                self._found[key] = found
                while len(self._found) > HELD:
                    del self._found[next(iter(self._found))]
            self._done()


def countable(workspace: Workspace, recipe: Recipe) -> Recipe | None:
    """The recipe as far as its rows are imported; None where they are not: looking imports nothing."""
    if not recipe.base or not imported(workspace, recipe.dataset):
        return None
    bare: dict[str, Any] = {"eval_every": 0, "eval_dataset": ""}
    if not imported(workspace, recipe.replay_dataset):
        bare["replay_dataset"] = ""
    return msgspec.structs.replace(recipe, **bare)


def imported(workspace: Workspace, reference: str) -> bool:
    """Whether there is a version of a dataset."""
    try:
        return bool(
            reference and datasets.versions(workspace.paths, datasets.parse_reference(reference).name)
        )
    except TemperError:
        return False


def key_of(workspace: Workspace, recipe: Recipe) -> bytes:
    """The same for recipes that have the same rows."""
    name = datasets.parse_reference(recipe.dataset).name
    newest = datasets.versions(workspace.paths, name)[-1]
    return msgspec.json.encode([newest, *(getattr(recipe, field) for field in TOUCHING)])


def count(workspace: Workspace, recipe: Recipe) -> Found:
    """Render all rows and keep their figures alone."""
    try:
        data, report = read_data(
            workspace, renderer_of(workspace, find_base(workspace, recipe.base), recipe), recipe
        )
    except TemperError as error:
        return Found(error=error)
    facts = RowFacts(
        report.rows,
        report.total_tokens,
        report.trained_tokens,
        len(report.truncated),
        len(report.untrained),
    )
    return Found(counted(data), facts)
