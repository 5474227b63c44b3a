"""A row as a model will see it: token by token, with what carries loss, where it is cut, and why not.

The tokens are those that training takes (engine.data.rendering). Knows nothing of screens and colours.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec

from engine.data.rendering import Rendered, Renderer, endings
from engine.models.directory import ModelDirectory
from engine.models.locate import locate_model
from engine.models.variants import describe, read_prompt
from store.errors import UsageError
from store.records.data import Example
from store.records.preview import Mask, Preview, Token
from store.records.recipe import Recipe
from store.workspace import Workspace

Ending = Literal["", "chosen", "rejected"]


class View(msgspec.Struct, frozen=True):
    """How rows are looked at. `model` is what the user called it, `path` its directory.

    `max_length` 0 is as many tokens as the base was made for (none cut where it does not say). `system` is
    the text that rows without a system message get; `template` a plain one in place of the model's own.
    """

    model: str
    path: Path
    mask: Mask = "assistant"
    max_length: int = 0
    system: str = ""
    template: str = ""


class Previewer:
    """Previews rows in one view. Cheap to make: the tokenizer is loaded by the first preview and kept."""

    def __init__(self, view: View) -> None:
        self.view = view

    def preview(self, example: Example, ending: Ending = "", mask: Mask | None = None) -> Preview:
        """One row, masked by `mask` or as the view says; of a preference the chosen ending or the `rejected`.

        Raises UsageError or MissingError for a model that cannot be used; what stands in the row goes to
        `Preview.problem`.
        """
        if example.rejected:
            ending = ending or "chosen"
            chosen, rejected = endings(example)
            shown = self._renderer.render(rejected if ending == "rejected" else chosen, "completion")
        else:
            ending = ""
            shown = self._renderer.render(example, mask)
        tokens = self._tokens(shown)
        trained = marks(shown)
        most = self.max_length or len(tokens)
        before, behind = sum(trained[:most]), sum(trained[most:])
        kept = trained[:most] + [False] * len(trained[most:])
        special = list(map(self._renderer.special.__contains__, shown.ids))
        behind_cut = [False] * len(trained[:most]) + [True] * len(trained[most:])
        problem = shown.problem
        if not problem and not before:
            problem = f"No token is left to train on: its answer begins behind {most} tokens."
        return Preview(
            row=example.row,
            line=example.line,
            split=example.split,
            model=self.view.model,
            mask="completion" if ending else mask or self.view.mask,
            max_length=self.max_length,
            tokens=list(map(Token, shown.ids, tokens, kept, behind_cut, special)),
            trained=before,
            cut=max(0, len(tokens) - most),
            cut_trained=behind,
            eos_trained=any(end <= most for _, end in shown.spans),  # every span ends with a stop token
            problem=problem,
            note=shown.note,
            ending=ending,
        )

    @property
    def max_length(self) -> int:
        """Tokens that are kept of a row; 0 where nothing says."""
        return self.view.max_length or self._base.context_length

    @cached_property
    def _base(self) -> ModelDirectory:
        return ModelDirectory(self.view.path)

    @cached_property
    def _renderer(self) -> Renderer:
        return Renderer(self._base, self.view.template, self.view.system, self.view.mask)

    def _tokens(self, shown: Rendered) -> list[str]:
        texts = self._renderer.texts
        leading = [texts.spelled([token]) for token in shown.prompt_ids[: shown.leading]]
        asked = texts.split(shown.prompt_ids[shown.leading :], shown.prompt)
        return leading + asked + texts.split(shown.answer_ids, shown.answer)


def marks(shown: Rendered) -> list[bool]:
    """Whether each token carries loss; never the first, which nothing predicts."""
    trained = [False] * len(shown.ids)
    for begin, end in shown.spans:
        trained[begin:end] = [True] * (end - begin)
    return [False, *trained[1:]] if trained else []


def view_of(
    workspace: Workspace,
    model: str = "",
    *,
    variant: str | None = None,
    prompt: str = "",
    recipe: Recipe | None = None,
    mask: Mask | None = None,
    max_length: int = 0,
) -> View:
    """The view that names mean: what is given by itself goes before what a recipe or a variant says.

    `model` is a model's name or path, `variant` whose model, system prompt and template production uses,
    `prompt` a prompt file. Raises UsageError or MissingError.
    """
    view = View("", Path())
    if recipe is not None:
        view = _of_recipe(workspace, recipe)
    if variant is not None:
        parts = describe(workspace, variant)
        view = _with(view, model=view.model or parts.name, system=parts.system, template=parts.template)
        view = view if recipe is not None else _with(view, path=parts.model)
    if model:
        view = _with(view, model=model, path=locate_model(workspace, model))
    if prompt:
        view = _with(view, system=read_prompt(workspace, prompt))
    if not view.model:
        raise UsageError(
            "Seen by which model?", "No model was named.", "Name one with --model, --variant or --recipe."
        )
    if view.path.suffix == ".gguf":
        raise UsageError(
            "A GGUF file cannot show rows",
            f"{view.path.name} is for inference: training reads the directory it was made from.",
            "Name the Hugging Face directory with --model.",
        )
    return _with(view, mask=mask or view.mask, max_length=max_length or view.max_length)


def _of_recipe(workspace: Workspace, recipe: Recipe) -> View:
    return View(
        model=recipe.base,
        path=locate_model(workspace, recipe.base),
        mask=recipe.mask,
        max_length=recipe.max_length,
        system=read_prompt(workspace, recipe.prompt) if recipe.prompt else "",
        template=recipe.template,
    )


def _with(view: View, **changes: object) -> View:
    return msgspec.structs.replace(view, **changes)
