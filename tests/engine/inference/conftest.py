"""Loaded models, shared by the tests of this room: they only read from them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.inference.llama import Context, Model
from tests.engine.inference.api_stage import api, hasty, teacher
from tests.ggufs import stories_f32, tiny_f32

__all__ = ["api", "hasty", "teacher"]  # fixtures too


@pytest.fixture(scope="session")
def tiny() -> Iterator[Model]:
    model = Model(tiny_f32())
    yield model
    model.close()


@pytest.fixture(scope="session")
def stories() -> Iterator[Model]:
    model = Model(stories_f32())
    yield model
    model.close()


@pytest.fixture
def context(tiny: Model) -> Iterator[Context]:
    context = Context(tiny, 256)
    yield context
    context.close()
