"""Training imported once and left alone by the collector: every run ends with a full collection."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(scope="session", autouse=True)
def frozen_libraries() -> None:
    """What the libraries have made is never garbage; looking at it took a quarter of a short run."""
    import engine.training.objectives.dpo
    import engine.training.objectives.sft
    import engine.training.session  # noqa: F401  # imported for what that costs

    gc.freeze()
