"""GGUF files for tests, converted once per session: the embedded base, and real pretrained weights."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from engine.export.convert import to_gguf
from engine.models.builtin import builtin_directory

TINY = builtin_directory("tiny")


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="temper-ggufs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def tiny_f32() -> Path:
    """The embedded base with the weights as they are."""
    return to_gguf(TINY, _folder() / "tiny.gguf", "f32")


@functools.cache
def stories_f32() -> Path:
    """The real pretrained Llama with the weights as they are; skips the test where it is absent."""
    return to_gguf(stories(), _folder() / "stories.gguf", "f32")


def stories() -> Path:
    """The directory of the real pretrained Llama; skips the test where it is absent."""
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("TEMPER_SHARED_DATA") or beside) / "models" / "stories260k"
    if not folder.is_dir():
        pytest.skip(f"the real model is not at {folder} (set TEMPER_SHARED_DATA)")
    return folder
