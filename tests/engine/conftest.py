"""Trained once, looked at by many tests: a small base, an adapter on it, what was heard meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.bases import Recorder, micro_base, recipe, rows_of
from tests.converters import own_process


@pytest.fixture(scope="session")
def shared_data() -> Path:
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("TEMPER_SHARED_DATA") or beside)
    if not folder.is_dir():
        pytest.skip(f"the real data is not at {folder} (set TEMPER_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def micro(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return micro_base(tmp_path_factory.mktemp("base") / "micro")


@pytest.fixture(scope="session")
def micro_gguf(micro: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[int]]:
    """The small base as it is, as a GGUF called `my model`, and the bytes that were heard of meanwhile.

    Written as users have it written, in a process of its own.
    """
    from engine.export.convert import to_gguf

    heard: list[int] = []
    out = tmp_path_factory.mktemp("gguf") / "micro-f32.gguf"
    with own_process():
        return to_gguf(micro, out, "f32", "my model", heard.append), heard


class Trained(msgspec.Struct):
    """A finished training run, as session.train left it; `model` is what was in its memory."""

    base: Path
    adapter: Path
    run_folder: Path
    recorder: Any
    result: Any
    model: Any


@pytest.fixture(scope="session")
def trained(micro: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train_on(
        micro,
        tmp_path_factory.mktemp("trained"),
        max_steps=100,
        batch_size=8,
        learning_rate=5e-3,
        schedule="cosine",
    )


@pytest.fixture(scope="session")
def merged(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small base with its adapter merged in."""
    from engine.export.merge import merge
    from engine.models.directory import ModelDirectory

    return merge(ModelDirectory(trained.base), trained.adapter, tmp_path_factory.mktemp("merged") / "model")


@pytest.fixture(scope="session")
def merged_f32(merged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`merged` as a GGUF without any rounding."""
    from engine.export.convert import to_gguf

    return to_gguf(merged, tmp_path_factory.mktemp("gguf") / "merged-f32.gguf", "f32")


@contextmanager
def keeping_model() -> Iterator[list[Any]]:
    """The models that training loads inside the block, as it goes on with them."""
    from engine.training.base import load_base

    kept: list[Any] = []

    def load_and_keep(*given: Any) -> Any:
        kept.append(load_base(*given))
        return kept[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.training.session.load_base", load_and_keep)
        yield kept


def train_on(base: Path, folder: Path, stop_after: int = 1 << 30, **changes: Any) -> Trained:
    """Train EXAMPLES on `base` for real."""
    from engine.models.directory import ModelDirectory
    from engine.training import session
    from engine.training.data import TrainingData

    recorder = Recorder(stop_after)
    with keeping_model() as kept:
        out = folder / "artifacts" / "adapter"
        asked = recipe(**changes)
        data = TrainingData(rows_of(base))
        result = session.train(ModelDirectory(base), asked, data, recorder, folder, out)
    return Trained(base, out, folder, recorder, result, kept[0])
