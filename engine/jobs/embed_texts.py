"""Vectors of a few texts for the front end: `python -m engine.jobs.embed_texts MODEL`, a process of its own.

Screens and the command line load no model. The process reads a JSON list of texts and writes float32 rows of
length 1. Where it cannot, there are no vectors, and whoever asked does without.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine.evals.triage.clustering import Embed
from engine.retrieval.sources import embedder_path
from store.errors import MissingError
from store.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

log = logging.getLogger("temper.embed")
SECONDS = 60
"""A small model embeds five hundred texts in a few; what takes longer is not worth the wait."""


def configured(workspace: Workspace) -> Embed | None:
    """The embedder of the default knowledge base, else of the first; None where none is set up."""
    config = workspace.config
    name = config.defaults.knowledge or next(iter(config.knowledge), "")
    if name not in config.knowledge:
        return None
    try:
        return partial(embed, embedder_path(workspace, config.knowledge[name].embedder))
    except MissingError:
        return None


def embed(model: Path, texts: Sequence[str]) -> Vectors | None:
    """A row for each text; None where the model cannot be run here."""
    import numpy as np

    command = [sys.executable, "-P", "-m", "engine.jobs.embed_texts", str(model)]
    said = json.dumps(list(texts)).encode()
    try:
        done = subprocess.run(command, input=said, capture_output=True, timeout=SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("no vectors: %s", error)
        return None
    rows = np.frombuffer(done.stdout, dtype=np.float32)
    return rows.reshape(len(texts), -1) if len(rows) and len(rows) % len(texts) == 0 else None


def main() -> None:
    """The process."""
    import numpy as np

    from engine import offline
    from engine.inference.embedder import Embedder

    offline.guard()
    embedder = Embedder(Path(sys.argv[1]))
    rows = np.asarray(embedder.embed(json.load(sys.stdin.buffer)), dtype=np.float32)
    embedder.close()
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    sys.stdout.buffer.write((rows / np.maximum(lengths, 1e-9)).astype(np.float32).tobytes())


if __name__ == "__main__":
    main()
