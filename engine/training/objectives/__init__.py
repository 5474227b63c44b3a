"""Objectives: each builds a stock TRL trainer over rows that are tokenised already.

setup.py  what a trainer is built from          sft.py    next token, on what the mask says
"""

from __future__ import annotations

import importlib

from transformers import Trainer

from engine.training.objectives.setup import Setup

_ROOMS = {"sft": "sft"}


def build(setup: Setup) -> Trainer:
    """The trainer of the recipe's objective. Imports that objective alone: each costs seconds."""
    room = importlib.import_module(f"engine.training.objectives.{_ROOMS[setup.recipe.objective]}")
    trainer: Trainer = room.build(setup)
    return trainer
