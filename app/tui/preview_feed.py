"""Rows as a model will see them, for the screen: tokenizers are loaded once and kept. Call it in threads.

Knows no widget. How a row is rendered is engine.data.preview's business, imported when first needed.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import msgspec

from engine.training.recipe import load_recipe, recipes_in
from store.datasets import parse_reference
from store.errors import UsageError
from store.records.data import Example
from store.records.preview import Mask, Preview
from store.workspace import Workspace

if TYPE_CHECKING:
    from engine.data.preview import Previewer

HELD = 3  # the tokenizer of a large vocabulary takes 100 MB


class View(msgspec.Struct, frozen=True):
    """How a row is looked at: as `name` (a recipe's file, a variant, a model) sees it.

    `mask` None is what the recipe says. `rejected` shows the other ending of a preference.
    """

    name: str = ""
    mask: Mask | None = None
    rejected: bool = False

    def with_(self, **changes: Any) -> View:
        """The same view but for `changes`."""
        return msgspec.structs.replace(self, **changes)


class PreviewFeed:
    """Previews rows for one workspace; several threads may ask, one after the other is answered."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._held: dict[str, Previewer] = {}

    def first_name(self, dataset: str) -> str:
        """Who sees this dataset first: a recipe that trains on it, else the default variant, else a model."""
        config = self._workspace.config
        for name, recipe in recipes_in(self._workspace.root).items():
            if recipe is not None and parse_reference(recipe.dataset).name == dataset:
                return name
        return config.defaults.variant or next(iter(config.variants), None) or next(iter(config.models), "")

    def choices(self) -> list[tuple[str, str]]:
        """Everyone who can see rows, and what that means: recipes, variants, models."""
        config, found = self._workspace.config, []
        for name, recipe in recipes_in(self._workspace.root).items():
            about = "cannot be read" if recipe is None else f"as {recipe.base} is trained on {recipe.dataset}"
            found.append((name, about))
        for name in config.variants:
            variant = self._workspace.variant(name)
            prompt = f", prompt {variant.prompt}" if variant.prompt else ""
            found.append((name, f"as {variant.model or 'no model'} is served{prompt}"))
        found += [(name, "the model alone") for name in config.models if name not in config.variants]
        return found

    def preview(self, example: Example, view: View) -> Preview:
        """One row. Raises UsageError or MissingError for a model or recipe that cannot be used."""
        with self._lock:
            previewer = self._previewer(view.name)
            return previewer.preview(example, "rejected" if view.rejected else "", view.mask)

    def _previewer(self, name: str) -> Previewer:
        """The previewer in this name, made anew where it was not used of late."""
        from engine.data.preview import Previewer, view_of

        made = self._held.pop(name, None)
        if made is None:
            if not name:
                raise UsageError(
                    "Seen by which model?",
                    "temper.toml names no model.",
                    "Add one with: temper models add NAME PATH",
                )
            root = self._workspace.root
            if name.endswith(".toml"):
                made = Previewer(view_of(self._workspace, recipe=load_recipe(root / name)))
            else:
                made = Previewer(view_of(self._workspace, variant=name))
        self._held[name] = made
        while len(self._held) > HELD:
            del self._held[next(iter(self._held))]
        return made
