"""Inference on a CUDA card: llama.cpp puts every layer there."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.gpu


def test_llama_cpp_offloads_every_layer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed")
    from engine.export.gguf_cache import gguf_for
    from engine.inference.llama import Model
    from engine.models.builtin import builtin_directory
    from store.paths import WorkspacePaths

    file = gguf_for(WorkspacePaths(tmp_path), builtin_directory("tiny"), None, "f16")
    with caplog.at_level(logging.DEBUG, logger="temper.llama"):
        model = Model(file)
    model.close()
    assert model.on_gpu
    offloaded = re.search(r"offloaded (\d+)/(\d+) layers to GPU", caplog.text)
    assert offloaded, caplog.text
    assert offloaded[1] == offloaded[2]
