"""Objectives: each builds a stock TRL trainer over rows that are tokenised already.

setup.py   what a trainer is built from            sft.py    next token, on what the mask says; texts too
pairs.py   rows with two endings as batches        dpo.py    the chosen ending rather than the rejected one
orpo.py    the same without a reference            kto.py    single answers, desirable or not
shared_prompt.py    pairs of dpo without padding, what both endings follow computed once
"""

from __future__ import annotations

import importlib

from peft import PeftModel
from transformers import Trainer

from engine.training.objectives.setup import Setup
from store.records.recipe import Recipe

_ROOMS = {"sft": "sft", "text": "sft", "dpo": "dpo", "kto": "kto", "orpo": "orpo"}


def packs(recipe: Recipe) -> bool:
    """Whether rows may stand one after another: not where a trainer compares rows, nor where noise on the
    embeddings depends on the length of each.
    """
    return recipe.packing and recipe.objective in ("sft", "text") and not recipe.neftune_alpha


def room_of(objective: str) -> str:
    """The module of an objective; empty for what is none."""
    return f"{__name__}.{_ROOMS[objective]}" if objective in _ROOMS else ""


def build(setup: Setup) -> Trainer:
    """The trainer of the recipe's objective. Imports that objective alone: each costs seconds."""
    room = importlib.import_module(room_of(setup.recipe.objective))
    # TRL rounds an adapter on a 4-bit base to bf16. What an earlier run has learned is not rounded.
    learned = isinstance(setup.model, PeftModel) and {
        name: parameter.detach().clone()
        for name, parameter in setup.model.named_parameters()
        if parameter.requires_grad
    }
    trainer: Trainer = room.build(setup)
    for name, weight in (learned or {}).items():
        setup.model.get_parameter(name).data = weight
    return trainer
