"""The model that writes lines of context: any variant or model of the workspace, on the processor.

On the processor because an ingest does not queue for the GPU. Loads llama.cpp.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.inference.chat import Composition
from engine.models.variants import resolve
from store.errors import UsageError
from store.hashing import sha256_of_file
from store.records.data import Message
from store.records.workspace import Sampling
from store.workspace import Workspace

MOST_TOKENS = 60


class ContextModel:
    """A variant's model, greedy, a line at a time. Close it. Raises what resolving and loading raise."""

    def __init__(self, workspace: Workspace, reference: str, say: Callable[[str], None]) -> None:
        variant = resolve(workspace, reference, say)
        self._composition = Composition(variant)
        self.model_sha256 = sha256_of_file(Path(variant.gguf))
        self.too_long = 0

    def write(self, prompt: str) -> str:
        """Its answer; empty, and counted, where the prompt is longer than it reads."""
        try:
            asked = [Message("user", prompt)]
            return self._composition.answer(asked, False, Sampling(max_tokens=MOST_TOKENS)).text
        except UsageError:
            self.too_long += 1
            return ""

    def close(self) -> None:
        """Free the model."""
        self._composition.close()

    def __enter__(self) -> ContextModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
