"""A recipe being filled in: what was typed, on top of a preset and a file. Knows no widget, judges nothing.

What is typed stays as it is, also where it is no value; what stands against it comes back as an outlook.
"""

from __future__ import annotations

from typing import Any

from engine.training.manual import Field, fields, typed
from store.records.outlook import Asked, Outlook
from store.records.recipe import Recipe

PRESET = "preset"
FITTING = "the one that suits the base"
NO_PRESET = "none"

SECTIONS: dict[str, tuple[str, ...]] = {
    "What is trained": ("base", "dataset", "objective", "method", PRESET),
    "Adapter": (
        "lora.rank",
        "lora.alpha",
        "lora.dropout",
        "lora.target",
        "lora.layers",
        "lora.rslora",
        "lora.dora",
    ),
    "Steps": ("epochs", "max_steps", "batch_size", "gradient_accumulation", "max_length"),
    "Learning rate": (
        "learning_rate",
        "schedule",
        "warmup_ratio",
        "warmup_steps",
        "final_rate",
        "cycles",
        "decay_ratio",
    ),
    "Rows": ("mask", "prompt", "template", "packing", "rows_share", "replay_dataset", "replay_share"),
    "Preferences": ("beta", "dpo_loss", "reference", "desirable_weight", "undesirable_weight"),
    "Held-out rows": (
        "eval_dataset",
        "eval_every",
        "patience",
        "keep_best",
        "general",
        "forgetting",
        "measure_quantisation",
    ),
    "Optimiser": (
        "optimiser",
        "betas",
        "weight_decay",
        "max_grad_norm",
        "label_smoothing",
        "neftune_alpha",
    ),
    "Memory and speed": (
        "micro_batch",
        "recompute_layers",
        "double_quantisation",
        "offload",
        "precision",
        "compile",
        "rehearse",
    ),
    "Beginning and keeping": (
        "init_from",
        "init_mode",
        "freeze",
        "checkpoint_every",
        "seed",
        "data_seed",
    ),
}
UNSAID = ("base", "dataset")
"""What a preset is for any of."""
REST = "More"
"""Fields that no section names: a new one is shown before anybody has thought of its place."""

_PREFERENCES = ("dpo", "kto", "orpo")


class RecipeForm:
    """`own`: what was typed, by key. `number` counts changes, so that an answer to an older one is known."""

    def __init__(self) -> None:
        self.fields: dict[str, Field] = {PRESET: _preset_field()} | {one.key: one for one in fields()}
        self.own: dict[str, str] = {}
        self.preset: str | None = None
        self.file = ""
        self.number = 1
        self.outlook = Outlook()

    @property
    def current(self) -> bool:
        """Whether the outlook is that of what is typed now."""
        return self.outlook.number == self.number

    def sections(self) -> dict[str, list[str]]:
        """All fields by section."""
        named = {key for keys in SECTIONS.values() for key in keys}
        rest = [key for key in self.fields if key not in named]
        found = {title: [key for key in keys if key in self.fields] for title, keys in SECTIONS.items()}
        return found | ({REST: rest} if rest else {})

    def text(self, key: str) -> str:
        """What a field shows."""
        if key == PRESET:
            chosen = self.outlook.preset if self.preset is None else self.preset
            return chosen or NO_PRESET
        if key in self.own:
            return self.own[key]
        return typed(_get(self.outlook.keys, key, self.fields[key].default))

    def standard(self, key: str) -> str:
        """What the preset says of a field; its default where that says nothing."""
        return typed(_get(self.outlook.preset_keys, key, self.fields[key].default))

    def differs(self, key: str) -> bool:
        """Whether a field says something else than the preset; what no preset says differs from none."""
        if key in UNSAID:
            return False
        field = self.fields[key]
        if key == PRESET:
            return self.preset is not None
        return bool(field.value(self.text(key)) != field.value(self.standard(key)))

    def put(self, key: str, text: str) -> None:
        """Take in what was typed: it stays, whatever preset comes beneath it."""
        if key == PRESET:
            self.preset = None if text == FITTING else "" if text == NO_PRESET else text
        else:
            self.own[key] = text
        self.number += 1

    def reset(self, key: str) -> None:
        """As the preset and the file have it."""
        if key == PRESET:
            self.preset = None
        self.own.pop(key, None)
        self.number += 1

    def open(self, file: str) -> None:
        """Begin anew with a recipe of the workspace, a path from it; empty: with none."""
        self.file, self.preset = file, None
        self.own.clear()
        self.number += 1

    def hear(self, outlook: Outlook) -> None:
        """Take in an answer; an older one than is known is passed over."""
        if outlook.number >= self.outlook.number:
            self.outlook = outlook

    def apply(self, changes: dict[str, Any]) -> None:
        """Take over settings that would fit."""
        for key, value in changes.items():
            self.own[key] = typed(value)
        self.number += 1

    def asked(self) -> Asked:
        """The question to the outlook."""
        return Asked(self.number, self.preset, self.file, self.overrides())

    def overrides(self) -> list[str]:
        """What was typed, as `--set` takes it."""
        return [self.fields[key].override(text) for key, text in self.own.items()]

    def problems_of(self, key: str) -> list[str]:
        """What stands against one field."""
        return [one.text for one in self.outlook.problems if one.key == key]

    def ignored(self, key: str) -> bool:
        """Whether a field means nothing for the method and the objective that are chosen."""
        method, objective = self.text("method"), self.text("objective")
        preference = objective in _PREFERENCES
        return (
            (key.startswith("lora.") and method == "full")
            or (key == "freeze" and method != "full")
            or (key == "max_steps" and self.text("epochs") not in ("0", "0.0"))
            or (key == "double_quantisation" and method != "qlora")
            or (key in SECTIONS["Preferences"] and not _matters(key, objective))
            or (key in ("mask", "packing", "neftune_alpha", "replay_dataset", "replay_share") and preference)
        )


def _matters(key: str, objective: str) -> bool:
    """Whether a preference's field is one of this objective."""
    needs = {
        "beta": ("dpo", "kto", "orpo"),
        "dpo_loss": ("dpo",),
        "reference": ("dpo", "kto"),
        "desirable_weight": ("kto",),
        "undesirable_weight": ("kto",),
    }
    return objective in needs.get(key, _PREFERENCES)


def _get(keys: dict[str, Any], key: str, default: Any) -> Any:
    """A value by its key, through tables."""
    here: Any = keys
    for part in key.split("."):
        if not isinstance(here, dict) or part not in here:
            return default
        here = here[part]
    return here


def _preset_field() -> Field:
    """Where a run starts from: no field of a recipe, and shown like one."""
    from engine.training.preset import names

    about = (
        "A shipped recipe that everything else stands on: what is not marked below comes from it. "
        "Without a choice it is the one for the size of the base, the method and the objective."
    )
    return Field(PRESET, about, "", "a preset", (FITTING, NO_PRESET, *names()), closed=True, text=True)


def name_of(recipe: Recipe, file: str) -> str:
    """What the run is called, as the command line calls it."""
    from pathlib import Path

    return f"{Path(file).stem if file else recipe.dataset}: {recipe.base}"
