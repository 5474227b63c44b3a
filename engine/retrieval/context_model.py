"""The model that writes lines of context: any variant or model of the workspace, or one behind an API.

One of this machine runs on the processor, because an ingest does not queue for the GPU. Loads llama.cpp.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.inference.opening import open_composition
from engine.models.variants import resolve
from store.errors import UsageError
from store.hashing import sha256_of_file, sha256_of_text
from store.records.data import Message
from store.records.workspace import ResolvedVariant, Sampling
from store.workspace import Workspace

MOST_TOKENS = 60


class ContextModel:
    """A variant's model, greedy, a line at a time. Close it. Raises what resolving and loading raise."""

    def __init__(self, workspace: Workspace, reference: str, say: Callable[[str], None]) -> None:
        variant = resolve(workspace, reference, say)
        self._composition = open_composition(variant)
        self._remote = variant.remote is not None
        self.model_sha256 = hash_of(variant)
        self.too_long = 0

    def write(self, prompt: str) -> str:
        """Its answer; empty, and counted, where the prompt is longer than it reads.

        Raises what an API refuses: a wrong key, a model that it does not have, a prompt too long for it.
        """
        try:
            asked = [Message("user", prompt)]
            return self._composition.answer(asked, False, Sampling(max_tokens=MOST_TOKENS)).text
        except UsageError:
            if self._remote:
                raise
            self.too_long += 1
            return ""

    def close(self) -> None:
        """Free the model."""
        self._composition.close()

    def __enter__(self) -> ContextModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def hash_of(variant: ResolvedVariant) -> str:
    """Of the weights; an API says nothing of its own, so its address and the model's name have to do."""
    if variant.remote is None:
        return sha256_of_file(Path(variant.gguf))
    return sha256_of_text(f"{variant.remote.url} {variant.remote.model}")
