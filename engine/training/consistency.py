"""What in a recipe contradicts itself, its base, its data or the adapter that it goes on from.

Each check yields every problem it finds, so that all are listed at once. Reads small files and headers only.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.export.gguf_cache import check_base
from engine.models import adapters
from engine.models.directory import ModelDirectory
from engine.training.shape import ModelShape, shape_of
from engine.training.targets import adapted, span
from store import datasets
from store.errors import TemperError, UsageError
from store.records.data import DatasetKind
from store.records.recipe import Recipe
from store.workspace import Workspace

FITTING: dict[str, tuple[DatasetKind, ...]] = {
    "sft": ("chat", "completion", "preference"),
    "text": ("text",),
    "dpo": ("preference",),
    "orpo": ("preference",),
    "kto": ("unpaired_preference", "preference"),
}
"""The kinds of data that an objective can do with; sft takes the chosen ending of a preference."""
REFERENCED = ("dpo", "kto")
_OUTSIDE = ("lm_head", "embed_tokens", "embed_in", "embed_out", "wte", "wpe", "output")


def of_recipe(recipe: Recipe) -> Iterator[TemperError]:
    """Fields that contradict each other."""
    if recipe.objective == "kto" and recipe.batch_size < 2:
        yield UsageError(
            "kto needs two rows in a forward pass",
            "It compares each row with its neighbour's answer; batch_size is 1.",
            "Set batch_size = 2 or more, and less gradient_accumulation.",
        )
    if recipe.replay_dataset and recipe.objective not in ("sft", "text"):
        yield UsageError(
            "Replay is for sft and text",
            f"General rows have no preference to learn from, the objective is {recipe.objective}.",
            "Leave replay_dataset empty.",
        )
    if recipe.patience and not recipe.eval_every:
        yield UsageError(
            "Nothing is measured that patience could wait for",
            f"patience is {recipe.patience}, eval_every is 0.",
            "Set eval_every, for example to a tenth of max_steps.",
        )
    if recipe.objective == "dpo" and recipe.dpo_loss == "exo_pair" and not recipe.label_smoothing:
        yield UsageError(
            "exo_pair needs label smoothing",
            "Its target has no logarithm without any (Ji et al., 2024).",
            "Set label_smoothing = 0.001",
        )
    if recipe.init_from and recipe.init_mode == "continue":
        yield from _of_continuing(recipe)
    if recipe.freeze and recipe.method != "full":
        yield UsageError(
            "freeze is for full fine-tuning",
            f"An adapter leaves all of the base as it is; the method is {recipe.method}.",
            "Choose layers with lora.layers and lora.target instead.",
        )


def _of_continuing(recipe: Recipe) -> Iterator[TemperError]:
    if recipe.method == "full":
        yield UsageError(
            "Full fine-tuning does not train an adapter further",
            f"init_from names {recipe.init_from}.",
            'Set init_mode = "merge": the adapter is put into the base, and all of that is trained.',
        )
    if recipe.objective == "kto" and recipe.reference == "start":
        yield UsageError(
            "kto cannot measure against an adapter that it trains further",
            "Its reference is what is left when the adapter is switched off.",
            'Set init_mode = "merge" to measure against the earlier run, or reference = "base".',
        )


def of_base(base: ModelDirectory, recipe: Recipe) -> Iterator[TemperError]:
    """Layers and matrices that the base does not have."""
    shape = shape_of(base)
    if recipe.method == "full":
        yield from _of_freezing(shape, recipe)
    elif not (recipe.init_from and recipe.init_mode == "continue"):
        yield from _of_targets(shape, recipe)


def _of_freezing(shape: ModelShape, recipe: Recipe) -> Iterator[TemperError]:
    parts = [part for part in recipe.freeze.split(",") if part]
    frozen: set[int] = set()
    for part in parts:
        if part not in ("embeddings", "head"):
            yield from _of_range("freeze", part, shape)
            frozen |= set(span(part))
    if frozen.issuperset(range(shape.layers)):
        yield UsageError(
            "No layer is left to train",
            f"freeze names all {shape.layers} layers.",
            "Leave some of them out.",
        )


def _of_targets(shape: ModelShape, recipe: Recipe) -> Iterator[TemperError]:
    lora = recipe.lora
    named = [part.strip() for part in lora.target.split(",")]
    outside = [name for name in named if name in _OUTSIDE]
    if outside:
        yield UsageError(
            "An adapter cannot stand on embeddings or head",
            f"lora.target names {', '.join(outside)}.",
            'Name matrices of the layers, or "all-linear"; method = "full" trains everything.',
        )
    if lora.layers:
        yield from _of_range("lora.layers", lora.layers, shape)
    elif not outside and shape.matrices and not adapted(shape, recipe):
        kinds = sorted({one.kind for one in shape.matrices})
        yield UsageError(
            "The base has no such matrices",
            f"lora.target is {lora.target!r}; its layers have {', '.join(kinds)}.",
            'Name some of these, or "all-linear" or "attention".',
        )


def _of_range(field: str, text: str, shape: ModelShape) -> Iterator[TemperError]:
    layers = span(text)
    if not layers or layers.stop > shape.layers:
        yield UsageError(
            "The base has no such layers",
            f"{field} says {text}; its layers are 0-{shape.layers - 1}.",
            "Name the first and the last one, for example 0-1.",
        )


def of_kind(workspace: Workspace, field: str, reference: str, recipe: Recipe) -> Iterator[TemperError]:
    """A dataset that was imported before and holds rows of another kind than the objective needs."""
    asked = datasets.parse_reference(reference)
    if not datasets.versions(workspace.paths, asked.name):
        return
    kind = datasets.load_info(workspace.paths, asked.name, asked.version).kind
    fitting = (*FITTING[recipe.objective], "text") if field == "replay_dataset" else FITTING[recipe.objective]
    if kind in fitting:
        return
    others = [objective for objective, kinds in FITTING.items() if kind in kinds]
    yield UsageError(
        f"{reference} does not fit the objective {recipe.objective}",
        f"It holds rows of kind {kind}; {recipe.objective} takes {' or '.join(fitting)}.",
        f"Name another dataset as `{field}`, or set objective = {' or '.join(map(repr, others))}.",
    )


def of_start(workspace: Workspace, base: ModelDirectory, recipe: Recipe) -> Iterator[TemperError]:
    """An earlier adapter that is not there, or that stands on another base."""
    if not recipe.init_from:
        return
    try:
        check_base(workspace.paths, base, adapters.find_adapter(workspace, recipe.init_from))
    except TemperError as error:
        yield error
