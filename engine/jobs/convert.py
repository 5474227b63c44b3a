"""The job `convert`: the GGUF of a model directory, made once and kept for every use after that."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.export.gguf_cache import gguf_for
from engine.jobs.context import JobContext
from engine.models.locate import locate_model


class ConvertParams(msgspec.Struct):
    """A model's name or path, and the GGUF type that is wanted."""

    model: str
    quant: str


def run(context: JobContext) -> dict[str, Any]:
    """Convert (and quantise) unless that was done before; the result is {gguf, bytes}."""
    params = context.params(ConvertParams)
    workspace = context.workspace()

    def say(text: str) -> None:
        context.check_stop()
        context.notice(text)

    gguf = gguf_for(workspace.paths, locate_model(workspace, params.model), None, params.quant, say)
    return {"gguf": str(gguf), "bytes": gguf.stat().st_size}
